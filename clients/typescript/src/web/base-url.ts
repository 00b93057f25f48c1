// Where the web door is, and whether the way there may be plaintext.

const loopback = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Without a slash at its end. Throws TypeError. */
export function parseBaseUrl(text: string, insecure: boolean): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new TypeError("baseUrl must be an http or https URL");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("baseUrl must hold neither credentials, nor a query, nor a fragment");
  }
  if (url.protocol === "http:" && !insecure && !loopback.test(url.hostname)) {
    throw new TypeError("plaintext beyond loopback sends tokens in clear; use https, or say insecure: true");
  }
  return url.href.replace(/\/+$/, "");
}
