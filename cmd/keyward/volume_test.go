package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyward/keyward/cmd/keyward/internal/place"
)

const hostMachine = "i-1234567890abcdef0"

// makeVolume makes a machine of files in the folder machine: what the kernel says, programs that change only that, and
// a volume whose passphrase the key KEY wrapped.
func makeVolume(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, root := context.Background(), ts.MkAbs("machine")
	write := func(name, text string, mode os.FileMode) {
		ts.Check(os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		ts.Check(os.WriteFile(filepath.Join(root, name), []byte(text), mode))
	}
	keys := kms.New(kms.Options{
		Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ts.Getenv("AWS_SESSION_TOKEN")),
	})
	data, err := keys.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: aws.String(ts.Getenv("KEY")), KeySpec: types.DataKeySpecAes256, EncryptionContext: map[string]string{"keyward:machine": hostMachine},
	})
	ts.Check(err)
	sum := sha256.Sum256(data.Plaintext)
	for name, body := range map[string]string{
		"sync": "", "sleep": "",
		"cryptsetup": `case $1 in
open) [ "$(sha256sum)" = "` + hex.EncodeToString(sum[:]) + `  -" ] || exit 2
  mkdir -p "$R/block/dm-0/dm"; echo data >"$R/block/dm-0/dm/name"; echo CRYPT-LUKS2-00-data >"$R/block/dm-0/dm/uuid"; echo 254:0 >"$R/block/dm-0/dev";;
close) rm -r "$R/block/dm-0";;
esac`,
		"mount":  `echo "77 1 254:0 / /keyward-test-data rw - ext4 /dev/mapper/data rw" >>"$R/proc/self/mountinfo"`,
		"umount": `echo "1 0 8:1 / / rw - ext4 /dev/sda1 rw" >"$R/proc/self/mountinfo"`,
	} {
		write("bin/"+name, "#!/bin/sh\nR="+root+"\n"+body+"\n", 0o755)
	}
	write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", 0o644)
	write("proc/sys/kernel/random/uuid", "01234567-89ab-cdef-0123-456789abcdef\n", 0o644)
	write("block/sda/dev", "8:0\n", 0o644)
	write("mapper/control", "", 0o644)
	write("wrapped", base64.StdEncoding.EncodeToString(data.CiphertextBlob)+"\n", 0o644)
	write("unlock.conf", "api = "+ts.Getenv("AWS_ENDPOINT_URL")+"/execute-api/MachineApi\nregion = us-east-1\ndevice = /dev/sdf\nmapping = data\nwrapped = "+
		filepath.Join(root, "wrapped")+"\nmount = /keyward-test-data\n", 0o644)
	script, err := os.ReadFile(filepath.Join(repository, "scripts/machine/keyward-unlock"))
	ts.Check(err)
	text := string(script)
	for old, new := range map[string]string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin;":                    "PATH=" + filepath.Join(root, "bin") + ":/usr/sbin:/usr/bin:/sbin:/bin;",
		"PROC=/proc; BLOCK=/sys/class/block; MAPPER=/dev/mapper": fmt.Sprintf("PROC=%[1]s/proc; BLOCK=%[1]s/block; MAPPER=%[1]s/mapper", root),
	} {
		if strings.Count(text, old) != 1 {
			ts.Fatalf("the script has %q not once", old)
		}
		text = strings.Replace(text, old, new, 1)
	}
	write("keyward-unlock", text, 0o755)
}

// repository is where the sources are, seen from the folder of these tests.
var repository = filepath.Join("..", "..")

// metadata is where the place's machine reaches its metadata service.
func metadata(ts *testscript.TestScript) string {
	k, err := place.New(ts.Getenv("KEYWARD_LOCAL_URL"), ts.Getenv("KEYWARD_LOCAL_TOKEN")).Machine(context.Background(), hostMachine)
	ts.Check(err)
	return k.Metadata
}

// onMachine runs a program on the machine that volume made, with its role's credentials alone: on go CODE ARGUMENTS…
// is keyward unlock, on SHELL CODE ARGUMENTS… the script under a shell.
func onMachine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: on go|SHELL CODE ARGUMENTS...")
	}
	root := ts.MkAbs("machine")
	machine := map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_EC2_METADATA_DISABLED": "",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata(ts), "PATH": filepath.Join(root, "bin") + string(os.PathListSeparator) + ts.Getenv("PATH"),
	}
	for name, value := range machine {
		defer ts.Setenv(name, ts.Getenv(name))
		ts.Setenv(name, value)
	}
	config := []string{"--config", filepath.Join(root, "unlock.conf")}
	command := append([]string{args[0], filepath.Join(root, "keyward-unlock")}, config...)
	if args[0] == "go" {
		command = append(append([]string{"keyward", "unlock"}, args[2:]...), config...)
		command = append(command, "--proc", filepath.Join(root, "proc"), "--block", filepath.Join(root, "block"), "--mapper", filepath.Join(root, "mapper"))
	} else {
		command = append(command, args[2:]...)
	}
	exits(ts, false, append([]string{args[1]}, command...))
}

// boots gives the machine a boot id: boots ID.
func boots(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: boots ID")
	}
	ts.Check(os.WriteFile(ts.MkAbs("machine/proc/sys/kernel/random/boot_id"), []byte(args[0]+"\n"), 0o644))
}

// hasProgram is a condition of scripts: [program:dash].
func hasProgram(condition string) (bool, error) {
	name, ok := strings.CutPrefix(condition, "program:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", condition)
	}
	_, err := exec.LookPath(name)
	return err == nil, nil
}
