// Words of access that several services of the slice share.

/** How long replicas must hear that a principal changed; longer than any of them trusts its memory without the feed. */
export const standingChangeLivesMs = 3_600_000;

export const administratorRole = "admin";

/** What whoever creates a resource becomes of it. */
export const ownerRole = "editor";

/** The resource that covers every other. */
export const everything = "";
