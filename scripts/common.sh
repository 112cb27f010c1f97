# What the scripts for people share; it is read by them and does nothing by itself. Needed are the aws CLI and bin/keyward.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
stack=${KEYWARD_STACK:-keyward}
dry=

# wrong ends a script: the input is wrong.
wrong() {
	echo "${0##*/}: $*" >&2
	echo "See ${0##*/} --help." >&2
	exit 2
}

# failed ends a script: it did not happen.
failed() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# need ends a script that lacks a program.
need() {
	local program
	for program; do
		command -v "$program" >/dev/null 2>&1 || failed "$program is missing: install it, then run this again"
	done
}

# keyward runs the command line of this folder, or the installed one.
keyward() {
	if [ -x "$here/bin/keyward" ]; then "$here/bin/keyward" "$@"; else command keyward "$@"; fi
}

# run carries out a change, or with --dry-run prints it.
run() {
	if [ -n "$dry" ]; then
		printf 'would run:'
		printf ' %q' "$@"
		printf '\n'
		return 0
	fi
	"$@"
}

# output is one of the stack's outputs, by its key.
output() {
	local value
	value=$(aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" --output text) ||
		failed "the stack $stack cannot be read: set AWS_PROFILE and AWS_REGION, or --stack"
	[ -n "$value" ] && [ "$value" != None ] || failed "the stack $stack has no output $1"
	echo "$value"
}

# parameter is the value of one of the stack's parameters.
parameter() {
	aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue" --output text ||
		failed "the stack $stack cannot be read: set AWS_PROFILE and AWS_REGION, or --stack"
}

# api lets keyward find the stack, unless the caller said which.
api() {
	[ -n "${KEYWARD_API_URL:-}" ] || KEYWARD_API_URL=$(output PeopleApiUrl)
	export KEYWARD_API_URL
}

# value is the argument of an option.
value() { [ $# -ge 2 ] && [ -n "$2" ] || wrong "$1 needs a value"; }
