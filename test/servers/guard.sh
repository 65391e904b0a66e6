# Runs a server for as long as its standard input is open, that is, while the process that wanted it lives.
#
#     sh guard.sh SIGNAL FOLDER COMMAND...
#
# Prints the process id of the server and ends with its status. When the input closes, however that process has
# ended, the server gets SIGNAL, then SIGKILL, and FOLDER is removed.
signal=$1
folder=$2
shift 2
exec 3<&0
"$@" 3<&- </dev/null >>"$folder/server.log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
(
  while read -r _; do :; done
  # Not with ":", which would end this shell where the folder is gone already.
  true >"$folder/abandoned"
  kill -s "$signal" "$server"
  kill -s CONT "$server"
  sleep 3
  kill -s KILL "$server"
) <&3 &
watch=$!
exec 3<&-
wait "$server"
status=$?
if [ -e "$folder/abandoned" ]; then rm -rf "$folder"; fi
kill "$watch"
exit "$status"
