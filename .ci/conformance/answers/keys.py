"""KMS and STS: keys that encrypt and refuse."""

CONTEXT = {"machine": "i-1234567890abcdef0"}
GRANTEE = "arn:aws:sts::123456789012:assumed-role/keyward-machine/i-1234567890abcdef0"
ABSENT = "1234abcd-12ab-34cd-56ef-1234567890ab"


def run(judge):
    who = judge.client("sts").get_caller_identity()
    judge.check(who["Account"] == "123456789012", f"GetCallerIdentity says {who['Account']}")
    kms = judge.client("kms")
    key = kms.create_key(Description="conformance", Tags=[{"TagKey": "keyward:guarded", "TagValue": "true"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/conformance", TargetKeyId=key)
    shown = kms.describe_key(KeyId="alias/conformance")["KeyMetadata"]
    judge.check(shown["KeyId"] == key and shown["Enabled"], f"DescribeKey says {shown}")
    aliases(judge, kms, key)
    material(judge, kms, key)
    grants(judge, kms, key)
    tags_and_policy(judge, kms, key)
    refusals(judge, kms, key)


def aliases(judge, kms, key):
    kms.create_alias(AliasName="alias/another", TargetKeyId=key)
    pages = kms.get_paginator("list_aliases").paginate(KeyId=key, PaginationConfig={"PageSize": 1})
    names = [a["AliasName"] for page in pages for a in page["Aliases"]]
    judge.check(names == ["alias/another", "alias/conformance"], f"the aliases are {names}")
    judge.refused("InvalidMarkerException", kms.list_aliases, Marker="?")
    unused = kms.get_key_last_usage(KeyId=key)
    judge.check(not unused["KeyLastUsage"] and unused["KeyId"] == key, f"the last use of a new key is {unused}")
    judge.refused("NotFoundException", kms.get_key_last_usage, KeyId=ABSENT)


def material(judge, kms, key):
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=sealed, EncryptionContext=CONTEXT)
    judge.check(opened["Plaintext"] == b"secret", "Decrypt gave something else back")
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    again = kms.decrypt(KeyId=key, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    judge.check(made["Plaintext"] == again["Plaintext"] and len(made["Plaintext"]) == 32, "a data key did not come back")
    last = kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]
    judge.check(last["Operation"] == "Decrypt" and isinstance(last["Timestamp"].year, int), f"the last use is {last}")
    judge.refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=sealed)
    judge.refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"no ciphertext", EncryptionContext=CONTEXT)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    judge.refused("IncorrectKeyException", kms.decrypt, KeyId=other, CiphertextBlob=sealed, EncryptionContext=CONTEXT)
    judge.refused("DryRunOperationException", kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True)
    kms.disable_key(KeyId=key)
    judge.check(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled", "a disabled key is not Disabled")
    judge.refused("DisabledException", kms.decrypt, CiphertextBlob=sealed, EncryptionContext=CONTEXT)
    judge.refused("DisabledException", kms.generate_data_key, KeyId=key, KeySpec="AES_256")
    judge.refused("DisabledException", kms.generate_data_key_without_plaintext, KeyId=key, KeySpec="AES_256")
    kms.enable_key(KeyId=key)
    alone = kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    judge.check("Plaintext" not in alone and len(kms.decrypt(CiphertextBlob=alone["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]) == 32,
                "a data key without plaintext does not decrypt to 32 bytes")


def grants(judge, kms, key):
    made = kms.create_grant(
        KeyId=key, GranteePrincipal=GRANTEE, Operations=["Decrypt", "GenerateDataKey"], Name="conformance",
        RetiringPrincipal=GRANTEE, Constraints={"EncryptionContextSubset": CONTEXT},
    )
    kms.create_grant(KeyId=key, GranteePrincipal=GRANTEE, Operations=["Decrypt"], Constraints={"EncryptionContextEquals": CONTEXT})
    first = kms.list_grants(KeyId=key, Limit=1)
    judge.check(first["Truncated"] and first["Grants"][0]["GrantId"] == made["GrantId"], f"the first page is {first}")
    second = kms.list_grants(KeyId=key, Limit=1, Marker=first["NextMarker"])
    judge.check(len(second["Grants"]) == 1 and not second["Truncated"], f"the second page is {second}")
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    left = kms.list_grants(KeyId=key, GranteePrincipal=GRANTEE)["Grants"]
    judge.check(len(left) == 1, f"after RevokeGrant there are {len(left)} grants, expected 1")
    judge.refused("NotFoundException", kms.revoke_grant, KeyId=key, GrantId=made["GrantId"])
    judge.refused("InvalidGrantIdException", kms.revoke_grant, KeyId=key, GrantId="none")
    judge.refused("InvalidMarkerException", kms.list_grants, KeyId=key, Marker="?")
    judge.refused("InvalidArnException", kms.create_grant, KeyId=key, GranteePrincipal="nobody", Operations=["Decrypt"])


def tags_and_policy(judge, kms, key):
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "tier", "TagValue": "web"}])
    pages = kms.get_paginator("list_resource_tags").paginate(KeyId=key, PaginationConfig={"PageSize": 1})
    tags = {t["TagKey"]: t["TagValue"] for page in pages for t in page["Tags"]}
    judge.check(tags == {"keyward:guarded": "true", "tier": "web"}, f"the tags are {tags}")
    kms.untag_resource(KeyId=key, TagKeys=["tier"])
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy["Policy"])
    judge.refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key, PolicyName="default", Policy="{")
    judge.refused("TagException", kms.tag_resource, KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": ""}])


def refusals(judge, kms, key):
    judge.refused("NotFoundException", kms.describe_key, KeyId=ABSENT)
    judge.refused("NotFoundException", kms.encrypt, KeyId="alias/none", Plaintext=b"x")
    judge.refused("NotFoundException", kms.disable_key, KeyId=ABSENT)
    judge.refused("InvalidArnException", kms.enable_key, KeyId="arn:aws:kms:us-east-1:123456789012:key")
    judge.refused("AlreadyExistsException", kms.create_alias, AliasName="alias/conformance", TargetKeyId=key)
    judge.refused("ValidationException", kms.generate_data_key, KeyId=key, KeySpec="AES_256", NumberOfBytes=8)
    judge.refused("NotImplemented", kms.schedule_key_deletion, status=501, KeyId=key)
    lent = judge.place.control("GET", "credentials?machine=i-1234567890abcdef0")
    machine = judge.place.lent("kms", lent)
    judge.listen(machine)
    judge.refused("AccessDeniedException", machine.encrypt, KeyId=key, Plaintext=b"x")
