"""AWS's DynamoDB Local as a child process: in memory, on a loopback port, without telemetry."""

import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import place


class DynamoDBLocal:
    """DynamoDB Local of the jars in a folder, from the start of a with block to its end."""

    def __init__(self, jars):
        self.jars = pathlib.Path(jars).resolve()

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["java", "-Xmx512m", f"-Djava.library.path={self.jars}", "-cp", f"{self.jars}/*",
             "com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-disableTelemetry", "-port", str(port)],
            cwd=self.jars, stdout=self.log, stderr=subprocess.STDOUT,
        )
        for _ in range(120):
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url, timeout=5)
            except urllib.error.HTTPError:
                return self  # it refuses what is not signed, so it is there
            except OSError:
                time.sleep(0.25)
            if self.process.poll() is not None:
                break
        self.log.seek(0)
        said = self.log.read()
        self.__exit__()
        raise SystemExit(f"DynamoDB Local did not come up:\n{said}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def client(self):
        return place.client("dynamodb", self.url, "AKIAIOSFODNN7EXAMPLE", "secret")
