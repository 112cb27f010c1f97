// Opens every page of a folder, mails or reports, in a headless Chromium: wide, narrow and dark. Each view is kept as a picture, checked by axe-core, and
// may load nothing, run nothing and be no wider than its window. Usage: node judge.js FOLDER CHROMIUM
"use strict";
const fs = require("fs"), path = require("path"), url = require("url");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const views = {
  wide: { viewport: { width: 1000, height: 800 }, colorScheme: "light" },
  narrow: { viewport: { width: 340, height: 700 }, colorScheme: "light", isMobile: true, hasTouch: true },
  dark: { viewport: { width: 1000, height: 800 }, colorScheme: "dark" },
};

async function judge(page, name, view, folder) {
  const loaded = [];
  page.removeAllListeners("request");
  page.on("request", (r) => loaded.push(r.url()));
  const file = url.pathToFileURL(path.join(folder, name + ".html")).href;
  await page.goto(file);
  await page.screenshot({ path: path.join(folder, `${name}.${view}.png`), fullPage: true });
  const found = loaded.filter((u) => u !== file).map((u) => "it loads " + u);
  const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  if (width > room) found.push(`it is ${width} pixels wide, and there are ${room}`);
  const scripts = await page.evaluate(() => document.scripts.length);
  if (scripts > 0) found.push("it has a script");
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const v of result.violations) found.push(`axe: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  return found.map((why) => `${name}, ${view}: ${why}`);
}

(async () => {
  const [folder, executablePath] = process.argv.slice(2);
  const names = fs.readdirSync(folder).filter((f) => f.endsWith(".html")).map((f) => f.slice(0, -5)).sort();
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const found = [];
  for (const [view, options] of Object.entries(views)) {
    const context = await browser.newContext({ ...options, offline: true });
    const page = await context.newPage();
    for (const name of names) found.push(...await judge(page, name, view, folder));
    await context.close();
  }
  await browser.close();
  for (const line of found) console.log(line);
  if (names.length === 0) found.push("no pages");
  console.log(`${names.length} pages in ${Object.keys(views).length} views: ${found.length} problems`);
  process.exit(found.length === 0 ? 0 : 1);
})();
