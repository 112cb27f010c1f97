"""What keyward doctor and the scripts ask of an account: SES's account and identities, quotas, subscriptions, dead letters."""

SENDER = "keyward@example.com"
TOPIC = "arn:aws:sns:us-east-1:123456789012:keyward-Alarms"


def run(judge):
    mail(judge, judge.client("sesv2"))
    quotas = judge.client("service-quotas")
    rates = {q["QuotaName"]: q["Value"] for page in quotas.get_paginator("list_service_quotas").paginate(ServiceCode="kms") for q in page["Quotas"]}
    judge.check(rates.get("DisableKey request rate") == 5, f"the quotas are {rates}")
    judge.refused("NoSuchResourceException", quotas.list_service_quotas, ServiceCode="none")
    sns = judge.client("sns")
    subscribed = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    judge.check([s["Endpoint"] for s in subscribed] == ["ops@example.com"], f"subscribed are {subscribed}")
    judge.refused("NotFound", sns.list_subscriptions_by_topic, TopicArn=TOPIC + "x")
    topics(judge, sns)
    sqs = judge.client("sqs")
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/keyward-DeadLetters"
    letters = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    judge.check(letters["ApproximateNumberOfMessages"].isdigit(), f"dead letters: {letters}")


def topics(judge, sns):
    made = sns.create_topic(Name="keyward-notify-conformance")["TopicArn"]
    judge.check(made == TOPIC.replace("keyward-Alarms", "keyward-notify-conformance"), f"the topic is {made}")
    message = {"TopicArn": made, "Message": "two\nlines", "Subject": "Conformance", "MessageAttributes": {"event": {"DataType": "String", "StringValue": "warning"}}}
    sent = sns.publish(**message)["MessageId"]
    kept = [m for m in judge.place.control("GET", "topics") if m["id"] == sent]
    judge.check(len(kept) == 1 and kept[0]["text"] == "two\nlines" and kept[0]["attributes"] == {"event": "warning"}, f"published is {kept}")
    judge.refused("NotFound", sns.publish, **message | {"TopicArn": made + "x"})
    judge.refused("InvalidParameter", sns.publish, **message | {"Subject": "Größe"})
    judge.refused("InvalidParameter", sns.publish, **message | {"Message": ""})
    judge.refused("ParameterValueInvalid", sns.publish, **message | {"MessageAttributes": {"event": {"DataType": "String", "StringValue": ""}}})
    judge.refused("InvalidParameter", sns.create_topic, Name="a topic")


def mail(judge, ses):
    asked = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://example.com", "UseCaseDescription": "Warnings to owners", "ProductionAccessEnabled": True}
    account = ses.get_account()
    judge.check(account["ProductionAccessEnabled"], f"the account is {account}")
    judge.check(ses.get_email_identity(EmailIdentity=SENDER)["VerifiedForSendingStatus"], "the sender is not verified")
    judge.refused("NotFoundException", ses.get_email_identity, EmailIdentity="none@example.com")
    judge.place.control("PUT", "account", {"sandbox": True, "unverified": [SENDER], "unconfirmed": True})
    judge.check(ses.get_email_identity(EmailIdentity=SENDER)["VerificationStatus"] == "PENDING", "the sender is verified")
    ses.put_account_details(**asked)
    judge.check(ses.get_account()["Details"]["ReviewDetails"]["Status"] == "PENDING", "nobody looks at the request")
    judge.refused("ConflictException", ses.put_account_details, **asked)
    judge.place.control("PUT", "account", {})
    judge.check(ses.get_account()["Details"]["ReviewDetails"]["Status"] == "GRANTED", "the request was not granted")
