"""Calls, judged: each answer against botocore's model of it, each error as the exception modelled for it."""

import collections
import json

import botocore.exceptions

from . import shapes

# Errors that AWS's common errors list for a service and no operation of its model names.
COMMON = {
    "DynamoDB": {"ValidationException", "NotImplemented"},
    "KMS": {"ValidationException", "AccessDeniedException"},
    "SSM": {"ValidationException"},
    "SFN": set(),
    "EventBridge": {"ValidationException"},
    "Scheduler": set(),
    "SESv2": set(),
    "Lambda": set(),
    "SecurityHub": set(),
    "Service Quotas": set(),
    "SQS": set(),
}
SIGNATURES = {"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId"}


class Judge:
    """Listens to clients and collects what is wrong."""

    def __init__(self, place):
        self.place = place
        self.wrong = []
        self.calls = collections.Counter()  # by service and operation, answered without an error
        self.errors = collections.Counter()  # by service and code
        self.last = None

    def client(self, service):
        made = self.place.client(service)
        self.listen(made)
        return made

    def listen(self, client):
        client.meta.events.register("before-parse", self.answered)
        client.meta.events.register("after-call", self.parsed)

    def check(self, ok, what):
        if not ok:
            self.wrong.append(what)

    def answered(self, operation_model, response_dict, **_):
        """Walks the body before botocore does."""
        service = operation_model.service_model
        where = f"{service.service_id}.{operation_model.name}"
        walk, status, body = shapes.Walk(), response_dict["status_code"], response_dict["body"]
        if status >= 300:
            self.last = (status, body)
            return
        output = operation_model.output_shape
        payload = output and output.serialization.get("payload")
        if payload and output.members[payload].type_name == "blob":
            self.last = None  # a stream; botocore takes the members from the headers
        elif service.protocol == "rest-xml":
            self.check(not body, f"{where}: the answer has a body, and every member of it is a header")
            self.last = None
        elif service.protocol in ("ec2", "query"):
            self.xml(walk, service.protocol, operation_model, shapes.parse_xml(body), where)
            self.last = walk.leaves
        else:
            document = json.loads(body) if body else {}
            if output is not None:
                walk.structure(document, output, where)
            elif document != {}:
                walk.miss(where, f"an answer {document}, expected none")
            self.last = walk.leaves
        self.wrong += walk.wrong
        self.calls[f"{service.signing_name}.{operation_model.name}"] += 1

    def xml(self, walk, protocol, operation, root, where):
        name = root.tag.rpartition("}")[2]
        self.check(name == operation.name + "Response", f"{where}: the document is a {name}")
        if protocol == "query":
            names = [child.tag.rpartition("}")[2] for child in root]
            if operation.output_shape is None:
                return self.check(names == ["ResponseMetadata"], f"{where}: below the response are {names}, expected its metadata alone")
            result = operation.output_shape.serialization.get("resultWrapper", operation.name + "Result")
            self.check(names == [result, "ResponseMetadata"], f"{where}: below the response are {names}")
            return walk.tree(root[0], operation.output_shape, where)
        if operation.output_shape is None:
            names = sorted(child.tag.rpartition("}")[2] for child in root)
            return self.check(names == ["requestId", "return"], f"{where}: below the response are {names}")
        walk.tree(root, operation.output_shape, where, also=("requestId",))

    def parsed(self, http_response, parsed, model, **_):
        """Holds what botocore read to what stood there."""
        self.check(parsed["ResponseMetadata"].get("RequestId"), f"{model.name}: no request id")
        if http_response.status_code >= 300 or self.last is None:
            return
        read = shapes.leaves({k: v for k, v in parsed.items() if k != "ResponseMetadata"})
        self.check(read == self.last, f"{model.name}: {self.last} scalars in the body, botocore read {read}")

    def refused(self, code, call, status=None, **arguments):
        """Makes a call that must be refused with this code, as the exception that the model has for it."""
        service = call.__self__.meta.service_model
        operation = service.operation_model(call.__self__.meta.method_to_api_mapping[call.__name__])
        where = f"{service.service_id}.{operation.name} refused with {code}"
        try:
            call(**arguments)
        except botocore.exceptions.ClientError as error:
            self.error(error, code, status, operation, where)
        else:
            self.wrong.append(f"{where}: it was not")

    def error(self, error, code, status, operation, where):
        service = operation.service_model
        got, (answered, body) = error.response["Error"], self.last
        self.errors[f"{service.service_id} {code}"] += 1
        self.check(got["Code"] == code, f"{where}: the code is {got['Code']}: {got.get('Message')}")
        self.check(got.get("Message"), f"{where}: no message")
        self.check(status is None or status == answered, f"{where}: status {answered}, expected {status}")
        if service.protocol in ("ec2", "query"):
            self.check(service.protocol == "query" or type(error) is botocore.exceptions.ClientError, f"{where}: a {type(error)}")
            return
        if service.protocol == "rest-xml":
            document = shapes.parse_xml(body)
            self.check(document.tag == "Error" and document.findtext("Code") == code and document.findtext("RequestId"), f"{where}: the document is {body}")
            return
        modelled = {s.metadata.get("error", {}).get("code", s.name): s for s in operation.error_shapes}
        document = json.loads(body)
        self.check(document.get("__type") == code, f"{where}: __type is {document.get('__type')}")
        if code not in modelled:
            self.check(code in COMMON[service.service_id] | SIGNATURES or answered == 501, f"{where}: neither modelled nor common")
            return
        shape = modelled[code]
        self.check(type(error).__name__ == shape.name, f"{where}: botocore raised {type(error).__name__}, expected {shape.name}")
        walk = shapes.Walk()
        walk.structure(document, shape, where, also=shapes.ERROR_NAMES)
        self.wrong += walk.wrong
        stated = shape.metadata.get("error", {}).get("httpStatusCode")
        if service.protocol == "json":
            stated = 500 if shape.metadata.get("fault") else 400
        self.check(stated in (None, answered), f"{where}: status {answered}, the model says {stated}")
