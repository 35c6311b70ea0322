// Chromium, driven by the DevTools protocol over a pipe: no package and no open port.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
];

/** A browser with one page. */
export class Browser {
  #process;
  #profile;
  #last = 0;
  #waiting = new Map();
  #listeners = [];
  #session;

  static async start(binary) {
    const browser = new Browser();
    browser.#profile = mkdtempSync(join(tmpdir(), "kobench-browser-"));
    const flags = [...FLAGS, `--user-data-dir=${browser.#profile}`];
    browser.#process = spawn(binary, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const ended = new Promise((_, reject) => {
      browser.#process.on("error", reject);
      browser.#process.on("exit", (code) => reject(new Error(`the browser ended with ${code}`)));
    });
    ended.catch((error) => {
      for (const { reject } of browser.#waiting.values()) reject(error);
      browser.#waiting.clear();
    });
    let rest = Buffer.alloc(0);
    browser.#process.stdio[4].on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        browser.#take(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
    const attached = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = attached.sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await browser.send(`${domain}.enable`);
    return browser;
  }

  #take(message) {
    const waiting = this.#waiting.get(message.id);
    if (waiting) {
      this.#waiting.delete(message.id);
      if (message.error) waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
      else waiting.resolve(message.result);
      return;
    }
    for (const listener of this.#listeners) listener(message.method, message.params);
  }

  send(method, params = {}) {
    const id = ++this.#last;
    const message = { id, method, params };
    if (this.#session) message.sessionId = this.#session;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, method });
      this.#process.stdio[3].write(`${JSON.stringify(message)}\0`);
    });
  }

  /** Calls back with the method and the parameters of each event. */
  on(listener) {
    this.#listeners.push(listener);
  }

  async open(url) {
    const loaded = new Promise((resolve) => {
      this.on((method) => method === "Page.loadEventFired" && resolve());
    });
    await this.send("Page.navigate", { url });
    await loaded;
    await this.settle();
  }

  /** What an expression of the page comes to; it must be JSON. */
  async evaluate(expression) {
    const params = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async size(width, height) {
    const params = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
    await this.send("Emulation.setDeviceMetricsOverride", params);
    await this.settle();
  }

  async scheme(value) {
    const features = [{ name: "prefers-color-scheme", value }];
    await this.send("Emulation.setEmulatedMedia", { features });
    await this.settle();
  }

  async press(key, code, text) {
    const params = { key, code: key, windowsVirtualKeyCode: code, text };
    await this.send("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", ...params });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...params });
    await this.settle();
  }

  /** A picture as bytes: of what is in sight, or of a part of the page. */
  async screenshot(clip) {
    const params = clip ? { clip: { ...clip, scale: 1 }, captureBeyondViewport: true } : {};
    const { data } = await this.send("Page.captureScreenshot", { format: "png", ...params });
    return Buffer.from(data, "base64");
  }

  async pdf() {
    const { data } = await this.send("Page.printToPDF", { printBackground: false });
    return Buffer.from(data, "base64");
  }

  /** Two frames: what was changed is laid out. */
  settle() {
    return new Promise((resolve) => setTimeout(resolve, 120));
  }

  async stop() {
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    await this.send("Browser.close").catch(() => this.#process.kill());
    await gone;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
