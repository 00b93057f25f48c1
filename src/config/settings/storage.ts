// Where state and keys live.
import * as is from "../kinds.ts";
import { optional, sensitive, setting } from "../setting.ts";

export const storage = {
  settingsFile: optional({
    env: "GATEHOUSE_SETTINGS_FILE",
    kind: is.path,
    doc: "More settings, one `NAME=VALUE` a line, `#` for comments; none that the environment gives as well, and no sensitive ones (their `_FILE` names may stand here). Read at the start and at SIGHUP.",
  }),
  dataDir: setting({
    env: "GATEHOUSE_DATA_DIR",
    kind: is.path,
    default: ".gatehouse",
    doc: "Directory of the embedded database, the local keys and the bootstrap token. One process at a time.",
  }),
  databaseUrl: sensitive({
    env: "GATEHOUSE_DATABASE_URL",
    kind: is.databaseUrl,
    doc: "A PostgreSQL (15 or newer) of your own, with the application's login. Unset: the embedded one in the data directory.",
  }),
  databaseOwnerUrl: sensitive({
    env: "GATEHOUSE_DATABASE_OWNER_URL",
    kind: is.databaseUrl,
    doc: "The same database with the login that owns the schema. Read by `gatehouse migrate` only.",
  }),
  databaseCaFile: optional({
    env: "GATEHOUSE_DATABASE_CA_FILE",
    kind: is.path,
    doc: "The authorities in PEM that the database's certificate is verified against, as `sslrootcert` in the URL. A database on another machine is always verified, host name included; without this against the public authorities.",
  }),
  databasePool: setting({
    env: "GATEHOUSE_DATABASE_POOL",
    kind: is.integer({ min: 1, max: 500 }),
    default: "10",
    doc: "Connections kept to the database.",
  }),
  keys: setting({
    env: "GATEHOUSE_KEYS",
    kind: is.oneOf("local", "vault"),
    default: "local",
    doc: "Where signing and wrapping keys live: `local` = a sealed file in the data directory, `vault` = the Transit engine of HashiCorp Vault or OpenBao, which they never leave.",
  }),
  masterKey: sensitive({
    env: "GATEHOUSE_MASTER_KEY",
    kind: is.masterKey,
    doc: "Seals the local keys. Unset: a key made at the first start and kept in the data directory, for loopback only.",
  }),
} as const;
