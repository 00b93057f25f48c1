// Thread that estimates how guessable a password is. It holds 240,000 words of dictionaries, about 60 MB, which is why
// it is a thread of its own that goes away when nobody registers.
import { parentPort } from "node:worker_threads";
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as english } from "@zxcvbn-ts/language-en";
import type { StrengthEstimate } from "../domain/password-policy.ts";
import { takeNiceness } from "./niceness.ts";

export interface StrengthJob {
  readonly secret: Uint8Array;
  readonly words: readonly string[];
}

/** The estimate takes time quadratic in this: 0.1 s at worst. What is strong so far does not get weaker by more of it. */
const longestEstimated = 64;

const estimator = new ZxcvbnFactory({
  dictionary: { ...common, ...english },
  graphs: adjacencyGraphs,
  maxLength: longestEstimated,
});
const commonPasswords: readonly unknown[] = common["passwords-common"];

// Not before the dictionaries are there: that is 0.1 s once a minute at most, and at a low priority seconds beside busy processes.
takeNiceness();

function estimate({ secret, words }: StrengthJob): StrengthEstimate {
  const password = Buffer.from(secret).toString();
  return {
    score: estimator.check(password, [...words]).score,
    common: commonPasswords.includes(password.normalize("NFKC").toLowerCase()),
  };
}

parentPort?.on("message", (job: StrengthJob) => {
  try {
    parentPort?.postMessage({ value: estimate(job) });
  } catch {
    parentPort?.postMessage({ failure: "the strength could not be estimated" });
  } finally {
    job.secret.fill(0);
  }
});
