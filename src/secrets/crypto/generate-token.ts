// CryptoService.GenerateToken: a token that nobody can guess, for the caller's own use.
import { randomInt } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type CryptoService,
  type GenerateTokenRequest,
  GenerateTokenResponseSchema,
  TokenAlphabet,
} from "@gatehouse/proto/gatehouse/secrets/v1/crypto_service_pb.js";
import { invalidField } from "../../kernel/errors.ts";
import type { PromptHandler } from "../../kernel/handler.ts";

const digits = "0123456789";
const lower = "abcdefghijklmnopqrstuvwxyz";
const alphanumeric = digits + lower.toUpperCase() + lower;

const alphabets: Readonly<Record<TokenAlphabet, string>> = {
  [TokenAlphabet.UNSPECIFIED]: alphanumeric,
  [TokenAlphabet.ALPHANUMERIC]: alphanumeric,
  [TokenAlphabet.BASE64URL]: `${alphanumeric}-_`,
  [TokenAlphabet.HEX]: `${digits}abcdef`,
  [TokenAlphabet.CROCKFORD]: `${digits}ABCDEFGHJKMNPQRSTVWXYZ`,
  [TokenAlphabet.DIGITS]: digits,
};

/** Below this a token can be guessed by whoever may try often enough (OWASP ASVS 7.2.3). */
const leastBits = 128;
const usualBits = 256;

function customAlphabet(text: string): string {
  const valid = /^[!-~]{2,94}$/.test(text) && new Set(text).size === text.length;
  if (!valid) throw invalidField("custom_alphabet", "must be 2 to 94 visible characters of ASCII, each once");
  return text;
}

function alphabetOf({ alphabet, customAlphabet: custom }: GenerateTokenRequest): string {
  if (custom === "") return alphabets[alphabet];
  if (alphabet !== TokenAlphabet.UNSPECIFIED) throw invalidField("alphabet", "must not be set beside custom_alphabet");
  return customAlphabet(custom);
}

/** Each character is drawn evenly: `randomInt` throws away what would favour the first ones. */
function draw(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
}

export function createGenerateToken(): PromptHandler<typeof CryptoService.method.generateToken> {
  return (request) => {
    const alphabet = alphabetOf(request);
    const bitsEach = Math.log2(alphabet.length);
    const length = request.length === 0 ? Math.ceil(usualBits / bitsEach) : request.length;
    const entropyBits = Math.floor(length * bitsEach);
    if (entropyBits < leastBits)
      throw invalidField("length", `must be at least ${Math.ceil(leastBits / bitsEach)} characters of this alphabet`);
    return create(GenerateTokenResponseSchema, { token: request.prefix + draw(alphabet, length), entropyBits });
  };
}
