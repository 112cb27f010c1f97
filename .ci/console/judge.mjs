// The judge of the console. Usage: node judge.mjs ROOT FOLDER [DOCS]: FOLDER gets all pictures, DOCS those of the pages.
import { chromium } from "playwright-core";
import { problems } from "./pages.mjs";
import { story } from "./story.mjs";
import { fleet } from "./fleet.mjs";

const [root, into, docs] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const pages = { story: 0, fleet: 0 };
try {
	pages.story = await story(root, browser, into, docs);
	pages.fleet = await fleet(root, browser, into);
} finally {
	await browser.close();
}
console.log(`console: ${pages.story + pages.fleet} pages judged, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
