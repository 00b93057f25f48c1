// Child processes of the bench: started, asked by IPC, stopped by id, never left behind.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface SideProcess<Question, Answer> {
  ask(question: Question): Promise<Answer>;
  stop(): void;
}

type Reply<Answer> = { readonly result: Answer } | { readonly error: string };

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill();
});

/** Runs `module` (a file beside this one) as a process with the flags that the server gets. */
export function startSideProcess<Question, Answer>(module: string): SideProcess<Question, Answer> {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: ["--max-semi-space-size=8"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "2" },
  });
  children.add(child);
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        const gone = () => reject(new Error(`${module} ended`));
        child.once("exit", gone);
        child.once("message", (reply: Reply<Answer>) => {
          child.off("exit", gone);
          if ("result" in reply) resolve(reply.result);
          else reject(new Error(reply.error));
        });
        child.send(question as object);
      }),
    stop() {
      children.delete(child);
      child.kill();
    },
  };
}

/** The other side: answers every message of the parent, and ends with it. */
export function answerParent<Question, Answer>(answer: (question: Question) => Promise<Answer>): void {
  process.on("message", (question: Question) => {
    answer(question).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on("disconnect", () => process.exit(0));
}
