// What is held of every page: axe-core finds nothing in light and dark, html-validate finds nothing, nothing is wider than
// a narrow screen, the browser complains of nothing. Pictures of it are written in wide, dark and narrow form.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { HtmlValidate } from "html-validate";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const validator = new HtmlValidate({
	extends: ["html-validate:standard", "html-validate:a11y"],
	rules: {
		"no-implicit-button-type": "error", "no-inline-style": "error", "require-sri": "off",
		"tel-non-breaking": "off", // ids of machines are no telephone numbers
		"no-implicit-input-type": "error",
		"prefer-native-element": ["error", { exclude: ["region"] }], // a table that scrolls is a region that takes the focus, inside a section
	},
});

export const problems = [];

// note writes down what is wrong.
export function note(what) {
	problems.push(what);
	console.log(`WRONG: ${what}`);
}

// attended is a page whose complaints are written down.
export async function attended(context) {
	const page = await context.newPage();
	page.on("console", (m) => {
		if ((m.type() === "error" || m.type() === "warning") && !/status of (4|5)\d\d/.test(m.text())) note(`${page.url()}: the browser says ${m.text()}`);
	});
	page.on("pageerror", (e) => note(`${page.url()}: the script failed: ${e}`));
	page.on("request", (r) => {
		if (new URL(r.url()).origin !== new URL(page.url() === "about:blank" ? r.url() : page.url()).origin) note(`${page.url()} asks ${r.url()}`);
	});
	return page;
}

// judge looks at the page that is open.
export async function judge(page, name, into) {
	const html = await (await page.context().request.get(page.url().replace(/[?&]said=[^&#]*/, ""))).text();
	for (const r of (await validator.validateString(html, `${name}.html`)).results) {
		for (const m of r.messages) note(`${name}, line ${m.line}: ${m.ruleId}: ${m.message}`);
	}
	await page.evaluate(() => document.querySelectorAll("details:not([open])").forEach((d) => { d.open = d.dataset.judged = true; })); // axe does not see what is shut
	for (const scheme of ["light", "dark"]) {
		await page.emulateMedia({ colorScheme: scheme });
		await page.evaluate(axe);
		const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
		for (const v of found.violations) {
			for (const n of v.nodes.slice(0, 3)) note(`${name}, ${scheme}: ${v.id}: ${v.help}: ${n.html.slice(0, 160)} ${(n.any[0] || {}).message || ""}`);
		}
		await page.screenshot({ path: `${into}/${name}-${scheme}.png`, fullPage: true });
	}
	await page.emulateMedia({ colorScheme: "light" });
	const size = page.viewportSize();
	await page.setViewportSize({ width: 360, height: 740 });
	const wide = await page.evaluate(() => document.documentElement.scrollWidth);
	if (wide > 360) note(`${name} is ${wide} wide on a screen of 360`);
	await page.screenshot({ path: `${into}/${name}-narrow.png`, fullPage: true });
	await page.setViewportSize(size);
	await page.evaluate(() => document.querySelectorAll("details[data-judged]").forEach((d) => { d.open = false; }));
}
