#!/usr/bin/env bash
# What action.yml runs: install what is locked, scan, summarise, comment, and end as the scan did.
set -euo pipefail

python3 -m venv "$RUNNER_TEMP/transom"
"$RUNNER_TEMP/transom/bin/pip" install --quiet --require-hashes -r "$GITHUB_ACTION_PATH/requirements.lock"

mapfile -t targets < <(sed '/^[[:space:]]*$/d' <<< "$TARGETS")
mapfile -t arguments < <(sed '/^[[:space:]]*$/d' <<< "$ARGUMENTS")
[ -z "$SINCE" ] || arguments+=("--since=$SINCE")
summary="$RUNNER_TEMP/transom.md"

code=0
PYTHONPATH="$GITHUB_ACTION_PATH/src" "$RUNNER_TEMP/transom/bin/python" -m transom scan \
  -o github -o "sarif=$SARIF" -o "markdown=$summary" "--fail-on=$FAIL_ON" "${arguments[@]}" -- "${targets[@]}" || code=$?

echo "sarif=$SARIF" >> "$GITHUB_OUTPUT"
if [ -f "$summary" ]; then
  cat "$summary" >> "$GITHUB_STEP_SUMMARY"
  if [ "$COMMENT" = true ] && [ -n "$PULL_REQUEST" ]; then
    gh pr comment "$PULL_REQUEST" --repo "$GITHUB_REPOSITORY" --body-file "$summary" --edit-last --create-if-none
  fi
fi
exit "$code"
