"""Has checkov judge the template. What it finds has to be explained, resource by resource, in explained.json beside this
file; what is not explained, and an explanation of what it does not find any more, fail.

    judge.py CHECKOV TEMPLATE
"""

import fnmatch
import json
import pathlib
import subprocess
import sys


def main(checkov: str, template: str) -> int:
    ran = subprocess.run(
        [checkov, "-f", template, "--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--soft-fail"],
        capture_output=True, text=True, check=True)
    report = json.loads(ran.stdout)
    summary = report["summary"]
    if summary["parsing_errors"] or not summary["passed"] or not summary["resource_count"]:
        print(f"checkov did not read {template}: {summary}")
        return 1
    explained = json.loads(pathlib.Path(__file__).with_name("explained.json").read_text())
    used, problems = set(), []
    for found in report["results"]["failed_checks"]:
        for pattern, checks in explained.items():
            if fnmatch.fnmatchcase(found["resource"], pattern) and found["check_id"] in checks:
                used.add((pattern, found["check_id"]))
                break
        else:
            problems.append(f"{found['resource']}: {found['check_id']} {found['check_name']}, line {found['file_line_range'][0]}")
    for pattern, checks in explained.items():
        problems += [f"{pattern}: {check} is explained, and checkov does not find it" for check in checks if (pattern, check) not in used]
    print("\n".join(problems))
    print(f"checkov {summary['checkov_version']}: {summary['passed']} checks passed, {summary['failed']} findings in "
          f"{len(used)} explained places, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
