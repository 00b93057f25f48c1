// The server settings of the embedded Postgres: small, quick to start, fully durable, and silent about what it stores.

const settings: Readonly<Record<string, string>> = {
  // Reached through the Unix socket in its own directory and in no other way.
  listen_addresses: "",
  unix_socket_directories: ".",
  unix_socket_permissions: "0700",
  password_encryption: "scram-sha-256",
  // Enough for three pools and a few people with psql.
  max_connections: "60",
  shared_buffers: "64MB",
  // Fewer processes: queries here are small, and nothing replicates logically.
  io_method: "sync",
  max_parallel_workers_per_gather: "0",
  max_logical_replication_workers: "0",
  jit: "off",
  checkpoint_timeout: "15min",
  max_wal_size: "512MB",
  // A commit is answered when it is on disk. Said here so that nobody's postgresql.conf takes it away.
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  timezone: "UTC",
  log_timezone: "UTC",
  lc_messages: "C",
  // The log must hold no statement, no value and no row: errors are told to us, not to the file.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_statement: "none",
  log_checkpoints: "off",
  log_autovacuum_min_duration: "-1",
};

/** As arguments of `postgres`. `overrides` are for tests. */
export function settingArguments(overrides: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries({ ...settings, ...overrides }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
