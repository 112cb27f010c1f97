"""Signs calls as AWS clients do; schemathesis loads it as its hooks."""

import json
import os

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import requests
import schemathesis


def headers(method, url, body, key, given):
    """The headers that sign one call for execute-api."""
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body, headers=given)
    credentials = botocore.credentials.Credentials(key["accessKeyId"], key["secretAccessKey"], key.get("sessionToken") or None)
    botocore.auth.SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers)


class Signed(requests.auth.AuthBase):
    """Signs what is sent, as it is sent."""

    def __init__(self, key):
        self.key = key

    def __call__(self, request):
        body = request.body.encode() if isinstance(request.body, str) else request.body
        signed = headers(request.method, request.url, body or b"", self.key, {})
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            if name in signed:
                request.headers[name] = signed[name]
        return request


@schemathesis.hook
def filter_headers(context, headers):
    """No characters that HTTP itself forbids: a server refuses them before any program of ours is asked."""
    return headers is None or all(" " <= c <= "~" for value in headers.values() for c in str(value))


if "KEYWARD_SIGN" in os.environ:
    schemathesis.auth.set_from_requests(Signed(json.loads(os.environ["KEYWARD_SIGN"])))
