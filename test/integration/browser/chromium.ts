// A real browser: Debian's chromium, driven by playwright.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

function chromiumPath(): string {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined) return given;
  const places = (process.env.PATH ?? "").split(delimiter).map((place) => join(place, "chromium"));
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error("chromium is needed: apt-get install chromium, or name it in CHROMIUM_PATH");
  return found;
}

export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    timeout: 120_000,
  });
}
