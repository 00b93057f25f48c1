// `gatehouse keys ...` on the command line.
import type { Command } from "commander";

/** What `keys init` is told. */
export interface InitKeysOptions {
  readonly home: string;
  readonly approle?: boolean;
  readonly secretIdFile?: string;
}

/** What `keys migrate` is told. */
export interface MigrateKeysOptions {
  readonly from: string;
  readonly to: string;
}

export interface KeysActions {
  initKeys(options: InitKeysOptions): Promise<void>;
  migrateKeys(options: MigrateKeysOptions): Promise<void>;
}

/** `bare` makes a command as the others are. */
export function keysCommand(bare: (name: string, description: string) => Command, actions: KeysActions): Command {
  const init = bare("init", "put in place what Gatehouse needs in Vault, with an administrator's VAULT_TOKEN")
    .requiredOption("--home <home>", "`vault`; local keys need no preparing")
    .option("--approle", "also the AppRole with which Gatehouse logs in")
    .option("--secret-id-file <path>", "write a secret id of that role to this new file")
    .action(() => actions.initKeys(init.opts<InitKeysOptions>()));
  const migrate = bare("migrate", "move the keys to another home, with every server stopped; may be run again")
    .argument("<from>", "`local` or `vault`")
    .argument("<to>", "the other one, which GATEHOUSE_KEYS names already")
    .action((from: string, to: string) => actions.migrateKeys({ from, to }));
  return bare("keys", "what lies in the home of the keys").helpCommand(false).addCommand(init).addCommand(migrate);
}
