package ssm

// PatchDocument is AWS's document that installs patches; every account has it.
const PatchDocument = "AWS-RunPatchBaseline"

// patchContent has the parameters that callers look at and no step that would patch: register it as NotHere.
const patchContent = `{"schemaVersion":"2.2","description":"Scans for or installs patches.","parameters":{` +
	`"Operation":{"type":"String","allowedValues":["Scan","Install"]},` +
	`"RebootOption":{"type":"String","default":"RebootIfNeeded","allowedValues":["RebootIfNeeded","NoReboot"]}},` +
	`"mainSteps":[{"action":"aws:runShellScript","name":"PatchLinux","inputs":{"runCommand":["false"]}}]}`

// PutPatchDocument registers AWS's patching document as one that no machine here runs: it can be sent, and its
// invocations fail and say so.
func (s *SSM) PutPatchDocument() error {
	_, err := s.PutDocument(Document{Name: PatchDocument, Content: patchContent, UpdateMethod: "NewVersion", NotHere: true})
	return err
}
