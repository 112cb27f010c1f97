// What the pages do by themselves: show times in the reader's zone, read what is live anew, and check a policy while it is
// typed. Every page works without it.
"use strict";

(() => {
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
	const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

	// local puts the reader's own time before the one in UTC, whose date is left out where it is the same.
	function local(root) {
		for (const t of root.querySelectorAll("time:not([data-local])")) {
			const at = new Date(t.dateTime);
			t.dataset.local = "yes";
			if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
			const own = document.createElement("span");
			own.className = "own";
			own.textContent = `${day.format(at)}, ${clock.format(at)}`;
			const utc = document.createElement("span");
			utc.className = "utc";
			const text = t.textContent;
			utc.textContent = at.getDate() === at.getUTCDate() ? text.slice(text.indexOf(" ") + 1) : text;
			t.replaceChildren(own, " ", utc);
		}
	}

	// used is whether a person is at work in a part of the page.
	function used(part) {
		const marked = getSelection();
		if (part.querySelector("details[open]")) return true;
		return part.contains(document.activeElement) && document.activeElement !== document.body || !marked.isCollapsed && part.contains(marked.anchorNode);
	}

	// renew reads this page and puts in what is live and has changed.
	async function renew() {
		const address = new URL(location.href);
		address.searchParams.delete("said");
		address.hash = "";
		const answer = await fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } });
		if (!(answer.headers.get("Content-Type") || "").startsWith("text/html")) throw new Error(await answer.text());
		const page = new DOMParser().parseFromString(await answer.text(), "text/html");
		for (const part of document.querySelectorAll("[data-live]")) {
			const fresh = page.getElementById(part.id);
			if (part.dataset.live === "reload") {
				if (!fresh) location.reload();
				continue;
			}
			if (!fresh || used(part) || part.dataset.last === fresh.outerHTML) continue;
			const last = fresh.outerHTML;
			local(fresh);
			fresh.dataset.last = last;
			for (const box of part.querySelectorAll("input:checked")) {
				const same = fresh.querySelector(`input[value="${CSS.escape(box.value)}"]`);
				if (same) same.checked = true;
			}
			const scrolled = [...part.querySelectorAll(".wide")].map((w) => [w.scrollLeft, w.scrollTop]);
			part.replaceWith(document.adoptNode(fresh));
			[...fresh.querySelectorAll(".wide")].forEach((w, i) => scrolled[i] && w.scrollTo(...scrolled[i]));
		}
	}

	const every = document.querySelector('[data-live="reload"]') ? 1000 : 4000;
	async function live() {
		if (!document.hidden && document.querySelector("[data-live]")) {
			try {
				await renew();
				document.body.classList.remove("lost");
			} catch {
				if (!document.body.classList.contains("lost")) {
					const strip = document.getElementById("strip");
					strip.textContent = "The console does not answer: what you see is old. It was ended, or started anew.";
				}
				document.body.classList.add("lost");
			}
		}
		setTimeout(live, every);
	}

	// checked has a policy's text checked while it is typed. The answer is a list of errors, each with its place.
	function checked(text) {
		const said = document.getElementById(text.dataset.check);
		let waiting;
		let asked = 0;
		async function check() {
			const turn = ++asked;
			const answer = await fetch("/check", {
				method: "POST", credentials: "same-origin",
				body: new URLSearchParams({ form: text.form.elements.form.value, text: text.value, of: text.dataset.of || "policy" }),
			});
			const list = answer.ok ? await answer.json() : [{ line: 0, text: await answer.text() }];
			if (turn !== asked) return;
			said.replaceChildren();
			if (list.length === 0) said.textContent = "No errors.";
			const all = document.createElement("ul");
			for (const e of list) {
				const item = document.createElement("li");
				if (e.line > 0) {
					const go = document.createElement("button");
					go.type = "button";
					go.className = "link";
					go.textContent = `Line ${e.line}, column ${e.column}`;
					go.addEventListener("click", () => show(text, e.line, e.column));
					item.append(go, ": ");
				}
				item.append(e.text);
				all.append(item);
			}
			if (list.length > 0) said.append(all);
			text.setAttribute("aria-invalid", list.length > 0 ? "true" : "false");
		}
		text.addEventListener("input", () => {
			clearTimeout(waiting);
			waiting = setTimeout(() => check().catch(() => { said.textContent = "The console does not answer."; }), 300);
		});
		text.addEventListener("input", () => numbers(text));
		text.addEventListener("scroll", () => { numbers(text); });
		numbers(text);
	}

	// numbers writes the numbers of the lines beside a text.
	function numbers(text) {
		const lines = document.getElementById(text.dataset.lines);
		const count = text.value.split("\n").length;
		if (lines.dataset.count !== String(count)) {
			lines.textContent = Array.from({ length: count }, (_, i) => i + 1).join("\n");
			lines.dataset.count = String(count);
		}
		lines.scrollTop = text.scrollTop;
	}

	// show puts the cursor where an error is.
	function show(text, line, column) {
		const lines = text.value.split("\n");
		let at = 0;
		for (let i = 0; i < line - 1 && i < lines.length; i++) at += lines[i].length + 1;
		const end = at + (lines[line - 1] || "").length;
		text.focus();
		text.setSelectionRange(Math.min(at + column - 1, end), end);
		text.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(text).lineHeight));
	}

	local(document);
	const here = document.getElementById("zone");
	if (here) here.textContent = `Your zone is ${zone}.`;
	for (const field of document.querySelectorAll("input[data-zone]")) {
		if (field.value === "UTC") field.value = zone;
	}
	for (const text of document.querySelectorAll("textarea[data-check]")) checked(text);
	document.addEventListener("change", (e) => {
		if (!e.target.dataset.all) return;
		for (const one of document.querySelectorAll(`input[name="${CSS.escape(e.target.dataset.all)}"]`)) one.checked = e.target.checked;
	});
	setTimeout(live, every);
})();
