// Opens a report in Chromium and looks for what is wrong with it.
//
//   node check.mjs CHROMIUM REPORT.html FOLDER
//
// Writes pictures into FOLDER, prints what is wrong to standard output, one line each, and ends with 1 where there is
// anything.

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { Browser } from "./browser.mjs";
import { contrast, overflow, sorted, structure } from "./checks.mjs";

const [binary, report, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node check.mjs CHROMIUM REPORT.html FOLDER");
  process.exit(2);
}
// A browser that does not answer must not hold up everything behind this check.
const DEADLINE_SECONDS = 180;
setTimeout(() => {
  console.log(`the browser had not answered all questions after ${DEADLINE_SECONDS} s`);
  process.exit(1);
}, 1000 * DEADLINE_SECONDS).unref();
mkdirSync(folder, { recursive: true });
const url = pathToFileURL(resolve(report)).href;
const problems = [];
const browser = await Browser.start(binary);
const wrong = async (where, check) => {
  const found = await browser.evaluate(`(${check})()`);
  problems.push(...found.map((problem) => `${where}: ${problem}`));
};
const save = (name, bytes) => writeFileSync(join(folder, name), bytes);

let watching = true;
browser.on((method, params) => {
  if (!watching) return;
  if (method === "Runtime.exceptionThrown") {
    problems.push(`script: ${params.exceptionDetails.exception?.description ?? params.exceptionDetails.text}`);
  } else if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) {
    problems.push(`console: ${params.args.map((arg) => arg.value ?? arg.description).join(" ")}`);
  } else if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level)) {
    problems.push(`log: ${params.entry.text}`);
  } else if (method === "Network.requestWillBeSent") {
    const asked = params.request.url.split("#")[0];
    if (asked !== url && asked !== "about:blank" && !asked.startsWith("data:")) problems.push(`request: ${asked}`);
  }
});

/** Pictures of the top and of the sections that a person looks at. */
const pictures = async (suffix) => {
  save(`top${suffix}.png`, await browser.screenshot());
  const ids = await browser.evaluate(`[...document.querySelectorAll("main > section")].map((s) => s.id)`);
  for (const id of ids) {
    const box = await browser.evaluate(`(() => {
      const box = document.getElementById(${JSON.stringify(id)}).getBoundingClientRect();
      return { x: 0, y: box.top + scrollY, width: innerWidth, height: Math.min(box.height, 2400) };
    })()`);
    save(`${id}${suffix}.png`, await browser.screenshot(box));
  }
};

try {
  await browser.scheme("light");
  await browser.size(1280, 900);
  await browser.open(url);
  await wrong("light", structure);
  await wrong("1280 px", overflow);
  await wrong("light", contrast);
  await pictures("");

  // The first stop of the keyboard skips what repeats.
  await browser.press("Tab", 9);
  const first = await browser.evaluate(`document.activeElement.className`);
  if (first !== "skip") problems.push(`keyboard: the first stop is ${first}, not the skip link`);

  // Columns are sorted by keyboard alone, both ways round.
  const visible = `[...document.querySelectorAll("thead button")].filter((button) => button.checkVisibility())`;
  const buttons = await browser.evaluate(`${visible}.length`);
  for (const index of [...Array(Math.min(buttons, 12)).keys()]) {
    await browser.evaluate(`${visible}[${index}].focus()`);
    const orders = [];
    for (let time = 0; time < 2; time += 1) {
      await browser.press("Enter", 13, "\r");
      await wrong("keyboard", sorted);
      orders.push(await browser.evaluate(`document.activeElement.closest("th")?.getAttribute("aria-sort")`));
    }
    if (orders.toSorted().join() !== "ascending,descending") problems.push(`keyboard: sorted ${orders}`);
    await browser.evaluate(`document.querySelectorAll("th[aria-sort]").forEach((th) => th.setAttribute("aria-sort", "none"))`);
  }

  await browser.open(url);
  await browser.scheme("dark");
  await wrong("dark", contrast);
  await pictures("-dark");
  // The switch changes it, and back.
  const ground = () => browser.evaluate(`getComputedStyle(document.body).backgroundColor`);
  const dark = await ground();
  await browser.evaluate(`document.querySelector("#tools button").click()`);
  if ((await ground()) === dark) problems.push("the switch does not change the colours");
  await wrong("switched to light", contrast);
  await browser.evaluate(`document.querySelector("#tools button").click()`);
  if ((await ground()) !== dark) problems.push("the switch does not change the colours back");

  await browser.scheme("light");
  await browser.evaluate(`localStorage.clear()`);
  await browser.size(360, 740);
  await browser.open(url);
  await wrong("360 px", overflow);
  await browser.evaluate(`document.querySelectorAll("details").forEach((details) => (details.open = true))`);
  await wrong("360 px, unfolded", overflow);
  await wrong("unfolded", contrast);
  await browser.open(url);
  await pictures("-phone");

  await browser.size(1280, 900);
  const pdf = await browser.pdf();
  save("print.pdf", pdf);
  if (!pdf.subarray(0, 5).equals(Buffer.from("%PDF-"))) problems.push("it cannot be printed");

  // Without the script every table is there, and no button that would do nothing.
  await browser.send("Emulation.setScriptExecutionDisabled", { value: true });
  await browser.open(url);
  const still = await browser.evaluate(`document.querySelectorAll("button, input").length`);
  if (still > 0) problems.push(`without the script there are ${still} buttons`);
  await wrong("without the script", structure);
  await browser.send("Emulation.setScriptExecutionDisabled", { value: false });

  // What is not in the file does not run, whoever puts it into the page.
  await browser.open(url);
  watching = false;
  const ran = await browser.evaluate(`(() => {
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    return window.injected === true;
  })()`);
  if (ran) problems.push("a script that was put into the page ran");
} finally {
  await browser.stop();
}
for (const problem of [...new Set(problems)]) console.log(problem);
process.exit(problems.length > 0 ? 1 : 0);
