// The page of notices: a person sees what a mail about a machine would say, in a frame that does nothing.
import { attended, judge, note } from "./pages.mjs";
import { MACHINE } from "./place.mjs";

const DARK = "rgb(15, 20, 25)"; // what the mail's own style is dark with

// previewed goes from a machine that fails to its mails and gives how many pages were judged.
export async function previewed(context, origin, into) {
	console.log("--- its mails are previewed");
	const page = await attended(context);
	await page.goto(`${origin}/notices`);
	await judge(page, "notices", into);
	await page.goto(`${origin}/machines/${MACHINE}`);
	await page.getByRole("link", { name: "See what a mail would say now" }).click();
	await page.getByRole("heading", { name: `warning, of ${MACHINE}` }).waitFor();
	const says = async (text) => page.frameLocator("iframe.mail").getByText(text).first().waitFor({ timeout: 20000 });
	await says("Stop the process that listens on the port");
	await whole(page);
	await judge(page, "notice", into);

	await page.emulateMedia({ colorScheme: null }); // which would stand above what the page asks for
	await page.getByLabel("Event", { exact: true }).selectOption("revoked");
	await page.getByLabel("Screen").selectOption("narrow");
	await page.getByLabel("Colours").selectOption("dark");
	await page.getByRole("button", { name: "Preview" }).click();
	await page.getByRole("heading", { name: `revoked, of ${MACHINE}` }).waitFor();
	await says("shop-1");
	const shown = await whole(page);
	if (shown.ground !== DARK) note(`a mail that is asked for dark is ${shown.ground}`);
	if (shown.wide > 400 || shown.over > shown.wide) note(`a mail that is asked for narrow is ${shown.over} on ${shown.wide}`);
	await judge(page, "notice-narrow", into);

	await page.getByRole("link", { name: "Show it alone" }).click();
	await page.getByRole("heading", { level: 1 }).waitFor();
	if (await page.evaluate(() => self.origin) !== "null") note("a mail alone has the console's origin");
	await page.close();
	return 3;
}

// whole looks at the mail in the frame: it has no rights, and all of it is seen without scrolling it, which keys could not.
async function whole(page) {
	const shown = await page.frame({ url: /\/notices\/mail/ }).evaluate(() => ({
		ground: getComputedStyle(document.body).backgroundColor, wide: innerWidth, over: document.documentElement.scrollWidth,
		high: innerHeight, below: document.documentElement.scrollHeight, origin: self.origin,
	}));
	if (shown.origin !== "null") note(`a mail has the origin ${shown.origin}`);
	if (shown.below > shown.high) note(`a mail is ${shown.below} high in a frame of ${shown.high}`);
	return shown;
}
