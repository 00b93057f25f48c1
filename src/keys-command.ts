// `gatehouse keys ...` on the command line.
import type { Command } from "commander";

/** What `keys init` is told. */
export interface InitKeysOptions {
  readonly home: string;
  readonly approle?: boolean;
  readonly secretIdFile?: string;
  readonly kubernetes?: boolean;
  readonly role?: string;
  readonly serviceAccount?: readonly string[];
  readonly namespace?: readonly string[];
  readonly audience?: string;
  readonly kubernetesHost?: string;
  readonly kubernetesCaFile?: string;
}

/** What `keys migrate` is told. */
export interface MigrateKeysOptions {
  readonly from: string;
  readonly to: string;
}

export interface KeysActions {
  initKeys(options: InitKeysOptions): Promise<void>;
  migrateKeys(options: MigrateKeysOptions): Promise<void>;
  rotateWrappingKeys(): Promise<void>;
}

/** `bare` makes a command as the others are. */
export function keysCommand(bare: (name: string, description: string) => Command, actions: KeysActions): Command {
  const init = bare("init", "put in place what Gatehouse needs in Vault, with an administrator's VAULT_TOKEN")
    .requiredOption("--home <home>", "`vault`; local keys need no preparing")
    .option("--approle", "also the AppRole with which Gatehouse logs in")
    .option("--secret-id-file <path>", "write a secret id of that role to this new file")
    .option("--kubernetes", "also the login of Gatehouse's pods")
    .option("--namespace <names...>", "with --kubernetes: the namespaces whose pods may log in")
    .option("--service-account <names...>", "with --kubernetes: their service accounts (default: gatehouse)")
    .option("--role <name>", "with --kubernetes: the role (default: GATEHOUSE_VAULT_ROLE, or gatehouse)")
    .option("--audience <audience>", "with --kubernetes: what the pods' tokens must be for (default: vault)")
    .option("--kubernetes-host <url>", "with --kubernetes: where Vault reaches the cluster, told once")
    .option("--kubernetes-ca-file <path>", "with --kubernetes-host: its authorities, for a Vault outside the cluster")
    .action(() => actions.initKeys(init.opts<InitKeysOptions>()));
  const migrate = bare("migrate", "move the keys to another home, with every server stopped; may be run again")
    .argument("<from>", "`local` or `vault`")
    .argument("<to>", "the other one, which GATEHOUSE_KEYS names already")
    .action((from: string, to: string) => actions.migrateKeys({ from, to }));
  const rotate = bare(
    "rotate-wrapping",
    "wrap all data keys under a new local wrapping key, with every server stopped",
  ).action(() => actions.rotateWrappingKeys());
  return bare("keys", "what lies in the home of the keys")
    .helpCommand(false)
    .addCommand(init)
    .addCommand(migrate)
    .addCommand(rotate);
}
