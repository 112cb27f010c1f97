// keyward local and keyward console as child processes on free loopback ports. They get an environment without any of the
// caller's AWS settings and are ended by their own handles.
import { spawn, execFile } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
export const MACHINE = "i-1234567890abcdef0";

const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|KEYWARD)_/.test(name)));

// started is a child and the lines that it printed up to one that begins with #.
async function started(program, args, options) {
	const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "inherit"] });
	const lines = [];
	for await (const line of createInterface({ input: child.stdout })) {
		if (line.startsWith("#")) return { child, lines };
		lines.push(line);
	}
	throw new Error(`${program} ${args.join(" ")} did not come up; it printed ${lines.join("\n")}`);
}

async function ended(child) {
	if (child.exitCode !== null) return;
	const gone = new Promise((done) => child.once("exit", done));
	child.kill("SIGTERM");
	await gone;
}

export class Place {
	constructor(root) {
		this.root = root;
		this.keyward = `${root}/bin/keyward`;
	}

	async begin() {
		const { child, lines } = await started(this.keyward, ["local", "--address", "127.0.0.1:0", "--home", this.root, "--parameter", "ActionLinks=on"], { env: clean });
		this.local = child;
		this.env = { ...clean, HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" };
		for (const line of lines) {
			const [name, ...value] = line.replace(/^export /, "").split("=");
			this.env[name] = value.join("=");
		}
		return this;
	}

	// console starts keyward console and gives the address that opens it.
	async console() {
		const { child, lines } = await started(this.keyward, ["console", "--port", "0"], { env: this.env });
		this.shown = child;
		return lines[0];
	}

	async end() {
		if (this.shown) await ended(this.shown);
		if (this.local) await ended(this.local);
	}

	// do runs a command of keyward.
	async do(...args) {
		return (await run(this.keyward, args, { env: this.env, maxBuffer: 64 << 20 })).stdout;
	}

	async control(path) {
		const answer = await fetch(`${this.env.KEYWARD_LOCAL_URL}/_local/${path}`, { headers: { "X-Keyward-Local-Token": this.env.KEYWARD_LOCAL_TOKEN } });
		return answer.json();
	}

	// signed is one call that curl signs.
	async signed(service, key, secret, session, url, body, headers = []) {
		const args = ["-s", "--aws-sigv4", `aws:amz:us-east-1:${service}`, "-u", `${key}:${secret}`, url, "-d", JSON.stringify(body)];
		for (const h of session ? [`X-Amz-Security-Token: ${session}`, ...headers] : headers) args.push("-H", h);
		return JSON.parse((await run("curl", args, { env: clean })).stdout);
	}

	// key makes a guarded key and gives its ARN.
	async key() {
		const made = await this.signed("kms", this.env.AWS_ACCESS_KEY_ID, this.env.AWS_SECRET_ACCESS_KEY, "", this.env.AWS_ENDPOINT_URL,
			{ Tags: [{ TagKey: "keyward:guarded", TagValue: "true" }] }, ["X-Amz-Target: TrentService.CreateKey", "Content-Type: application/x-amz-json-1.1"]);
		return made.KeyMetadata.Arn;
	}

	// asks has this host ask for its key, as the machine that it is.
	async asks() {
		const k = await this.control(`credentials?machine=${MACHINE}`);
		const said = await this.signed("execute-api", k.accessKeyId, k.secretAccessKey, k.sessionToken, `${this.env.KEYWARD_LOCAL_URL}/execute-api/MachineApi/v1/key-requests`,
			{ bootId: "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10" }, ["Content-Type: application/json"]);
		if (!said.state) throw new Error(`the machine's request was answered with ${JSON.stringify(said)}`);
		return said.state;
	}
}
