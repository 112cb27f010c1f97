// What people do in the console, from a key request to a revocation that is watched while time is moved.
import { createServer } from "node:net";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { previewed } from "./notices.mjs";
import { written } from "./notifiers.mjs";
import { attended, judge, note } from "./pages.mjs";
import { Place, MACHINE } from "./place.mjs";

const PORT = 24611;
const policy = (kernel) => `policy: web
description: The shop's web servers
machines: {ids: [${MACHINE}], priority: 10}
schedule: {daily: "04:30", timeZone: Europe/Berlin}
rules:
  - rule: kernel is supported
    os: {kernel: "${kernel}"}
    fix: Start the machine with a kernel of 3.10 or later
  - rule: no service on the shop's old port
    ports: {closed: [tcp/${PORT}]}
    fix: Stop the process that listens on the port
  - rule: ossec runs
    product: {is: ossec, state: running}
    info: true
requests: {onPass: hold, autoApprove: 8h, onFail: deny, onUnknown: hold}
integrity:
  onFail: revoke
  grace: 4h
  confirm: 1
  settle: 0s
  retry: {every: 30m, upTo: 50}
  key: {mode: revoke-grant}
notify: {to: [ops@example.com], timeZone: Europe/Berlin}
`;

export async function story(root, browser, into, docs) {
	const place = await new Place(root).begin();
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Berlin", locale: "en-GB" });
	let judged = 0;
	let listener;
	try {
		const key = await place.key();
		const file = `${into}/web.yaml`;
		await writeFile(file, policy(">= 3.10"));
		await place.do("policy", "put", file, "--yes");
		await place.do("machine", "enrol", MACHINE, "--role", "arn:aws:iam::123456789012:role/keyward-machine", "--key", key, "--policy", "web", "--name", "shop-1", "--owner", "ada@example.com");
		const page = await attended(context);
		const at = new URL(await place.console());
		const go = (path) => page.goto(at.origin + path);
		const look = async (name, path) => {
			if (path) await go(path);
			await judge(page, name, into);
			judged++;
		};
		const says = async (text) => page.locator("main .said, main .trouble, main #preview-h").filter({ hasText: text }).first().waitFor({ timeout: 20000 });
		const standing = (text) => page.locator("#stands-h").filter({ hasText: text }).waitFor({ timeout: 60000 });

		await page.goto(at.href);
		if (page.url() !== `${at.origin}/`) note(`the token stays in the address: ${page.url()}`);
		await page.locator("#standing-h").waitFor();
		await keyboard(page);

		step("the machine is looked at");
		await go(`/machines/${MACHINE}`);
		await page.getByRole("button", { name: "Look at it now" }).click();
		await says("Keyward was asked");
		await place.do("local", "forward", "1m");
		await standing("Good");

		step("a request is approved");
		await place.asks();
		await go("/requests");
		await page.getByLabel("Choose the request of").first().waitFor();
		await look("requests");
		await page.getByLabel("Choose the request of").first().check();
		await page.getByLabel("Reason").fill("it is our web server");
		await page.getByRole("button", { name: "Approve those chosen" }).click();
		await says("1 of 1 approved.");
		await place.asks();
		await go(`/machines/${MACHINE}`);
		await standing("Released");

		step("it fails, and a hold is set and lifted");
		listener = createServer().listen(PORT, "127.0.0.1");
		await once(listener, "listening");
		await page.getByRole("button", { name: "Look at it now" }).click();
		await says("Keyward was asked");
		await place.do("local", "forward", "1m");
		await standing("Bad");
		await page.locator(".follows").filter({ hasText: "Key due in 3 h 5" }).waitFor({ timeout: 30000 });
		judged += await mailed(place, context, into);
		judged += await previewed(context, at.origin, into);
		judged += await written(context, at.origin, into);
		await page.getByText("Hold it: nothing is revoked meanwhile").click();
		await page.locator("#hold-reason").fill("the move to the new shop");
		await page.getByLabel("For how long").selectOption("24h");
		await page.getByRole("button", { name: `Hold ${MACHINE}` }).click();
		await says(`machine:${MACHINE} is held until`);
		await look("machine-held", `/machines/${MACHINE}`);
		await look("overview", "/");
		await go("/exceptions");
		await page.getByText("Lift", { exact: true }).first().click();
		await page.getByLabel("Reason", { exact: true }).first().fill("the move is done");
		await page.getByRole("button", { name: /^Lift the hold/ }).click();
		await says("is lifted");

		step("what it fails by is waived, and the waiver is lifted");
		await go(`/machines/${MACHINE}`);
		await page.getByText("Waive what it fails by").click();
		await page.locator("#waive-reason").fill("the old shop moves in April");
		await page.getByRole("button", { name: "Waive", exact: true }).click();
		await says("Waiver w-");
		await place.do("local", "forward", "1m");
		await standing("Good");
		await look("exceptions", "/exceptions");
		await page.getByText("Lift", { exact: true }).first().click();
		await page.getByLabel("Reason", { exact: true }).first().fill("April came early");
		await page.getByRole("button", { name: /^Lift waiver/ }).click();
		await says("is lifted");
		await place.do("local", "forward", "6m");
		await go(`/machines/${MACHINE}`);
		await standing("Bad");

		step("a policy is edited with an error, and then without");
		await go("/policies/web/edit");
		const text = page.getByLabel("Text");
		await text.fill(policy(">= 3.10").replace("rule: ossec", "rules: ossec"));
		await page.locator("#errors").filter({ hasText: "Line 12" }).waitFor();
		await page.getByRole("button", { name: "Line 12" }).first().click();
		if (!(await text.evaluate((t) => t === document.activeElement && t.value.slice(0, t.selectionStart).split("\n").length === 12))) note("the error does not lead to its line");
		await look("policy-wrong");
		await page.getByRole("button", { name: "See what it would mean" }).click();
		await says("The policy has errors");
		await look("policy-refused");
		if (!(await text.inputValue()).includes("rules: ossec")) note("what was typed into a policy is lost");
		await text.fill(policy(">= 3.11"));
		await page.locator("#errors").filter({ hasText: "No errors." }).waitFor();
		await page.getByRole("button", { name: "See what it would mean" }).click();
		await says("What this text would mean");
		await look("policy-preview");
		await page.getByRole("button", { name: "Store it over version 1" }).click();
		await says("Policy web is stored as version 2.");
		await look("policies", "/policies");
		await look("policy", "/policies/web");
		await look("policy-diff", "/policies/web/diff?from=1&to=2");
		await look("policy-new", "/new-policy");

		step("a revocation is watched while time is moved");
		await go(`/machines/${MACHINE}`);
		await page.locator(".follows").filter({ hasText: "Key due in" }).waitFor({ timeout: 30000 });
		if (docs) {
			await pictures(page, at.origin, docs);
			await go(`/machines/${MACHINE}`);
		}
		await page.evaluate(() => { window.watched = true; });
		await place.do("local", "forward", "4h30m");
		await standing("Revoked");
		if (!(await page.evaluate(() => window.watched === true))) note("the page was loaded again to show the revocation");
		await page.getByText("Give its key back, whatever the last verdict").waitFor(); // what can be ordered follows, too
		await look("machine");
		await look("audit", `/audit?machine=${MACHINE}`);
		await look("machines", "/machines");
		await look("breaker", "/breaker");
		await look("none", "/none");
		await go("/requests?state=Revoked");
		await page.locator("main tbody a[href^='/requests/']").first().click();
		await look("request");

		step("a report is made");
		await go("/reports");
		if ((await page.getByLabel("Time zone").inputValue()) !== "Europe/Berlin") note("the zone of the browser is not the report's");
		await page.locator("#report-last").selectOption("");
		await page.locator("#report-from").fill("1d");
		await page.getByRole("button", { name: "Make it" }).click();
		const link = page.locator("#made a").first();
		await link.waitFor({ timeout: 60000 });
		const [saved] = await Promise.all([page.waitForEvent("download"), link.click()]);
		if (saved.suggestedFilename() !== "keyward-report.html") note(`the report's file is ${saved.suggestedFilename()}`);
		await look("reports");

		step("it is put right, and the key comes back");
		listener.close();
		await go(`/machines/${MACHINE}`);
		await page.getByRole("button", { name: "Look at it now" }).click();
		await says("Keyward was asked");
		await place.do("local", "forward", "15m");
		await standing("Released");
	} finally {
		if (listener) listener.close();
		await context.close();
		await place.end();
	}
	return judged;
}

function step(text) {
	console.log(`--- ${text}`);
}

// keyboard is the first thing that somebody without a mouse does.
async function keyboard(page) {
	await page.keyboard.press("Tab");
	const first = await page.evaluate(() => document.activeElement.className);
	await page.keyboard.press("Enter");
	const then = await page.evaluate(() => document.activeElement.id);
	if (first !== "skip" || then !== "main") note(`Tab and Enter lead to ${first} and ${then}, not over the navigation`);
}

// pictures are those of docs/console.md.
async function pictures(page, origin, docs) {
	for (const [name, path, height] of [["console-overview", "/", 760], ["console-machine", `/machines/${MACHINE}`, 430]]) {
		await page.setViewportSize({ width: 960, height });
		await page.goto(origin + path);
		await page.screenshot({ path: `${docs}/${name}.png` });
	}
}

// mailed uses the link of the warning that holds the machine, as its recipient does, and gives how many pages were judged.
async function mailed(place, context, into) {
	step("a link of the mail holds it");
	const mail = (await place.control("mail")).find((m) => /\/a\/[\w-]{43}$/m.test(m.text ?? m.Text));
	const [, hold] = (mail.text ?? mail.Text).match(/^http:\S+\/a\/[\w-]{43}$/gm);
	const page = await attended(context);
	await page.goto(hold);
	await judge(page, "link", into);
	if ((await place.do("hold", "list")).includes(MACHINE)) note("looking at a link set a hold");
	await page.getByRole("button", { name: "Hold for an hour" }).click();
	await page.getByRole("heading", { name: "It is held" }).waitFor({ timeout: 20000 });
	if (!(await place.do("hold", "list")).includes("link of the mail to")) note("the button of a link set no hold");
	await page.goto(hold);
	await page.getByRole("heading", { name: "This link was used" }).waitFor();
	await judge(page, "link-used", into);
	await page.close();
	await place.do("hold", "lift", `machine:${MACHINE}`, "--reason", "the recipient called");
	return 2;
}
