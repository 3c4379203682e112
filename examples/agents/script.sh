#!/bin/sh
# A shell script as an agent: writes what it finds below .agent/<role>/<task>/ of your notes folder into its copy.
#
#   [agent]
#   command = ["sh", "/path/to/examples/agents/script.sh", "/path/to/notes"]
#
#   [sandbox]
#   readable = ["/path/to"]          # the script and the notes, when they lie in your home
#
# It is started in a copy of the repository, with the prompt on standard input. Files are all that is taken from it.
set -eu
notes="$1/$REDGREEN_ROLE/$REDGREEN_TASK"
if [ ! -d "$notes" ]; then
    echo "nothing is prepared for the $REDGREEN_ROLE of $REDGREEN_TASK in $notes" >&2
    exit 0                          # done: the gate will say that something is missing
fi
cp -R "$notes/." .
# An implementer can look before it ends. It is no verdict, and it uses up no try.
if [ "$REDGREEN_ROLE" = implementer ]; then
    "$REDGREEN" try "$REDGREEN_TASK" || true
fi
