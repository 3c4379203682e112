#!/bin/sh
# Audits what a pull request (or a push) would bring, in any CI: fetches the history that is missing, judges everything
# since the common ancestor as one change, writes reports, and ends with redgreen's exit code. Needs git and redgreen,
# no secrets, no network beyond `origin`.
#
#   AUDIT_BASE     the branch it is merged into; found by itself on GitHub and GitLab
#   AUDIT_REPORTS  the folder of the reports (default: redgreen-audit)
#   AUDIT_FAIL_ON  more to fail on than the base's policy, such as does_not_bite,weakened
#   REDGREEN       the program (default: redgreen)
set -eu

redgreen="${REDGREEN:-redgreen}"
reports="${AUDIT_REPORTS:-redgreen-audit}"
base="${AUDIT_BASE:-${GITHUB_BASE_REF:-${CI_MERGE_REQUEST_TARGET_BRANCH_NAME:-}}}"

# A shallow clone lacks what the change is compared with.
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    git fetch --quiet --no-tags --unshallow origin || git fetch --quiet --no-tags --depth=2147483647 origin
fi

set -- audit --reports "$reports"
if [ -n "$base" ]; then
    git fetch --quiet --no-tags origin "+refs/heads/$base:refs/remotes/origin/$base"
    set -- "$@" --merge-base "origin/$base"
elif [ -n "${AUDIT_RANGE:-}" ]; then
    set -- "$@" "$AUDIT_RANGE"
fi
if [ -n "${AUDIT_FAIL_ON:-}" ]; then
    set -- "$@" --fail-on "$AUDIT_FAIL_ON"
fi
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    set -- "$@" --output github
fi
exec "$redgreen" "$@"
