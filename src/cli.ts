// The command line as commander sees it. What a command does is handed in, so that `--help` loads nothing else.
import { Command } from "commander";
import { type KeysActions, keysCommand } from "./keys-command.ts";

/** What `policy explain` is asked. */
export interface ExplainQuestion {
  readonly method: string;
  readonly principal?: string;
  readonly resource?: string;
  readonly permission?: string;
}

export interface Actions extends KeysActions {
  serve(): Promise<void>;
  migrate(): Promise<void>;
  config(): Promise<void>;
  policy(): Promise<void>;
  explain(question: ExplainQuestion): Promise<void>;
  recoverAdmin(): Promise<void>;
  decode(): Promise<void>;
  devCerts(options: { readonly out: string; readonly host: readonly string[] }): Promise<void>;
}

export interface CliDeps {
  readonly actions: Actions;
  readonly version: string;
  readonly write: { readonly out: (text: string) => void; readonly err: (text: string) => void };
}

const settingsNote = "\nSettings are environment variables: see `gatehouse config` and docs/settings.md.";

export function createCli({ actions, version, write }: CliDeps): Command {
  const cli = new Command("gatehouse")
    .description("The security service of an internal platform: Auth, Token, Secrets and Audit over gRPC.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .configureOutput({ writeOut: write.out, writeErr: write.err })
    .exitOverride()
    .addHelpText("after", settingsNote);
  const bare = (name: string, description: string) =>
    new Command(name).description(description).helpOption("-h, --help", "print this help").copyInheritedSettings(cli);
  const command = (name: string, description: string, act: () => Promise<void>) => bare(name, description).action(act);
  const admin = new Command("admin")
    .description("what only the operator of the machine may do")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .copyInheritedSettings(cli)
    .addCommand(
      command("recover", "make a new one-time bootstrap token when every administrator is lost", () =>
        actions.recoverAdmin(),
      ),
    );
  const devCerts = command("dev-certs", "make certificates for trying TLS, that nobody vouches for", async () => {
    const { out, host } = devCerts.opts<{ out: string; host?: string[] }>();
    await actions.devCerts({ out, host: host ?? [] });
  })
    .option("--out <directory>", "where to put them; nothing is overwritten", "gatehouse-dev-certs")
    .option("--host <names...>", "more names or addresses of the server");
  const explain = command("explain", "say which rule decides about one method", async () => {
    const options = explain.opts<Omit<ExplainQuestion, "method">>();
    await actions.explain({ ...options, method: explain.args[0] ?? "" });
  })
    .argument("<method>", "such as gatehouse.auth.v1.GrantService/CreateGrant, or its end")
    .option("--principal <id>", "prn_<uuid>: decide for this principal, by the grants in the database")
    .option("--resource <resource>", "such as secrets/team-a/db")
    .option("--permission <name>", "in place of the one that the method asks for");
  const policy = command("policy", "print who may call each method, how often, and how it is audited", () =>
    actions.policy(),
  )
    .helpCommand(false)
    .addCommand(explain);
  return cli
    .addCommand(command("serve", "start the server (the default)", () => actions.serve()))
    .addCommand(
      command("migrate", "bring the schema of your own database up to date, as its owner", () => actions.migrate()),
    )
    .addCommand(command("config", "print every setting in force and where it comes from", () => actions.config()))
    .addCommand(policy)
    .addCommand(
      command("decode", "show what the token on standard input says, without trusting it", () => actions.decode()),
    )
    .addCommand(devCerts)
    .addCommand(keysCommand(bare, actions))
    .addCommand(admin);
}
