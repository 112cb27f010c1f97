"""keyward local as a child process on a free loopback port, and boto3 clients that speak to it.

It is built before (make build), ended by its own handle, and gets an environment without any of the
caller's AWS settings. No client repeats a call: what is judged is the first answer.
"""

import json
import os
import pathlib
import subprocess
import urllib.request

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[2]
MACHINE = "i-1234567890abcdef0"
SERVICES = ("cloudformation", "dynamodb", "ec2", "events", "iam", "kms", "lambda", "scheduler", "service-quotas", "sesv2", "sns", "sqs", "ssm", "stepfunctions", "sts")


def client(service, endpoint, key, secret, session=None):
    config = botocore.config.Config(
        retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60, parameter_validation=True, proxies={}
    )
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", config=config,
        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=session,
    )


class Place:
    """keyward local, from the start of a with block to its end."""

    def __enter__(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KEYWARD_"))}
        self.process = subprocess.Popen(
            [ROOT / "bin" / "keyward", "local", "--address", "127.0.0.1:0"],
            cwd=ROOT, env=kept, stdout=subprocess.PIPE, text=True,
        )
        self.exports = {}
        for line in self.process.stdout:
            if line.startswith("# "):
                break
            name, _, value = line.removeprefix("export ").rstrip("\n").partition("=")
            self.exports[name] = value
        if "KEYWARD_LOCAL_TOKEN" not in self.exports:
            self.__exit__()
            raise SystemExit(f"keyward local did not come up; it printed {self.exports}")
        self.url = self.exports["AWS_ENDPOINT_URL"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def client(self, service):
        return client(service, self.url, self.exports["AWS_ACCESS_KEY_ID"], self.exports["AWS_SECRET_ACCESS_KEY"])

    def lent(self, service, credentials):
        """A client with the credentials of a machine, as the control API gives them."""
        return client(service, self.url, credentials["accessKeyId"], credentials["secretAccessKey"], credentials["sessionToken"])

    def control(self, method, path, body=None):
        """One call of the control API, whose bodies and answers are JSON."""
        request = urllib.request.Request(
            f"{self.url}/_local/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"X-Keyward-Local-Token": self.exports["KEYWARD_LOCAL_TOKEN"]},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)
