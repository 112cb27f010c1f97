// Notifiers: a person writes one with an error and then without, sees its secret once, and edits it.
import { attended, judge, note } from "./pages.mjs";

const text = (event) => `notifier: shop-ops
description: Those on duty for the shop
events: [${event}, revoked]
to: [ops@example.com]
webhook: {url: "https://hooks.example.com/services/T0/B1"}
digest: {every: 1h, after: 20}
quiet: {from: "22:00", to: "06:30"}
`;

// written gives how many pages were judged.
export async function written(context, origin, into) {
	console.log("--- a notifier is written");
	const page = await attended(context);
	const says = (words) => page.getByText(words).first().waitFor({ timeout: 20000 });
	await page.goto(`${origin}/notices`);
	await page.getByRole("link", { name: "Write a new notifier" }).click();
	const field = page.getByLabel("Text");
	await field.fill(text("warned"));
	await page.locator("#errors").filter({ hasText: "Line 3" }).waitFor();
	await judge(page, "notifier-wrong", into);
	await page.getByRole("button", { name: "Store it" }).click();
	await page.getByRole("alert").first().waitFor();
	if (!(await field.inputValue()).includes("warned")) note("what was typed into a notifier is lost");
	await judge(page, "notifier-refused", into);
	await field.fill(text("warning"));
	await page.locator("#errors").filter({ hasText: "No errors." }).waitFor();
	await page.getByRole("button", { name: "Store it" }).click();
	await says("The secret that posts are signed with");
	const secret = (await page.getByRole("group", { name: "The secret" }).innerText()).trim();
	if (secret.length < 40) note(`the secret is ${secret.length} characters`);
	await page.screenshot({ path: `${into}/notifier-secret.png`, fullPage: true });
	await page.goto(`${origin}/notifiers/shop-ops`);
	await says("https://hooks.example.com/…");
	const html = await page.content();
	if (html.includes(secret) || html.includes("/T0/B1")) note("a notifier shows its secret, or the whole address of its webhook");
	await judge(page, "notifier", into);
	await page.getByRole("link", { name: "Edit it" }).click();
	await judge(page, "notifier-edit", into);
	await page.goto(`${origin}/notices`);
	await page.getByRole("link", { name: "shop-ops" }).waitFor();
	await judge(page, "notifiers", into);
	await page.close();
	return 5;
}
