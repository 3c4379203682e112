#!/bin/sh
# A person in an editor as an agent. The prompt opens beside the copy to work in; when the editor is closed, the gate judges.
#
#   [agent]
#   command = ["sh", "/path/to/examples/agents/person.sh"]
#   environment = ["EDITOR", "DISPLAY", "WAYLAND_DISPLAY", "TERM"]
#
#   [limits]
#   session = "8h"
#   idle = "8h"
#
# An editor that opens a window must wait until it is closed: EDITOR="code --wait --new-window". An editor in a terminal does not
# work here, because a session has none: use `redgreen next` and the gates by hand instead.
set -eu
task="$(pwd)/.redgreen-task.md"
cp "$REDGREEN_PROMPT" "$task"
echo "write here: $(pwd)"
${EDITOR:?set EDITOR to an editor that waits} "$(pwd)" "$task"
rm -f "$task"
