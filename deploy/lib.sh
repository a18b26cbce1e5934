# Shared by deploy/demo and tests/run (bash): packages, parallelism, stages with progress, clean-up.
# Source it: it defines functions, and nothing else happens. Exit codes are those of all our
# programs: 1 check failed, 2 bad input, 5 environment.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exit_failed=1 exit_usage=2 exit_environment=5

stage_child=
stage_folder=
stage_report=()

say() { printf '%s\n' "$@" >&2; }

die() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}

# The packages for a purpose (build, demo, test or all) on this architecture, one a line.
packages_for() {
  local wanted=$1 architecture purpose names
  architecture=$(dpkg --print-architecture 2>/dev/null || uname -m)
  while IFS=: read -r purpose names; do
    case $purpose in
      '' | \#*) continue ;;
      */*) [[ ${purpose#*/} == "$architecture" ]] || continue ;;
    esac
    includes_purpose "$wanted" "${purpose%%/*}" && tr -s ' ' '\n' <<<"${names# }"
  done <"$top/deploy/packages"
  return 0
}

includes_purpose() {
  local order=' build demo test all ' before
  before=${order%% "$1" *}" $1 "
  [[ $before == *" $2 "* ]]
}

missing_packages() {
  local name
  for name in $(packages_for "$1"); do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null) == 'ii '* ]] || echo "$name"
  done
}

is_debian_12() {
  [[ -r /etc/os-release ]] && (
    . /etc/os-release
    [[ ${ID:-} == debian && ${VERSION_ID:-} == 12 ]]
  )
}

# install_packages PURPOSE yes|no: installs what is missing. Nothing missing: neither apt nor sudo
# is called. Who may not install gets the line to type, and exit code 5.
install_packages() {
  local purpose=$1 allowed=$2 missing line
  local -a root=()
  if ! command -v dpkg-query >/dev/null || ! is_debian_12; then
    [[ $allowed == no ]] && return 0
    die $exit_environment \
      "This is not Debian 12. Install what these packages hold, then run again with --no-install:" \
      "  $(packages_for "$purpose" | tr '\n' ' ')"
  fi
  missing=$(missing_packages "$purpose" | tr '\n' ' ')
  missing=${missing% }
  [[ -n $missing ]] || return 0
  if [[ $allowed == no ]]; then
    say "not installed (--no-install): $missing"
    return 0
  fi
  line="apt-get install -y --no-install-recommends $missing"
  if ((EUID != 0)); then
    may_sudo || die $exit_environment \
      "Packages are missing, and this user may not install them. Type:" "  sudo $line"
    root=(sudo)
  fi
  run_stage "install packages" apt_install "$missing" "${root[@]}" ||
    die $exit_environment "The packages could not be installed. By hand:" "  ${root[*]} $line"
}

# Without a terminal nobody can type a password, so sudo must do without one.
may_sudo() {
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null && return 0
  [[ -t 0 && -t 2 ]] && sudo -v
}

# apt_install "NAMES" [sudo]: waits up to five minutes for another apt to finish.
apt_install() {
  local names=$1 attempt
  shift
  local -a apt=("$@" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  # The package lists have a lock of their own, for which apt-get does not wait.
  for ((attempt = 0; attempt < 60; ++attempt)); do
    "${apt[@]}" update >"$stage_folder/apt-update" 2>&1 && break
    cat "$stage_folder/apt-update"
    grep -q 'Could not get lock' "$stage_folder/apt-update" || break # old lists may still do
    sleep 5
  done
  # shellcheck disable=SC2086 # a list of names
  "${apt[@]}" install -y --no-install-recommends $names
}

# Compilers at once: one a core, and 1.5 GiB for each.
build_jobs() {
  local cores memory_kib jobs
  cores=$(nproc)
  memory_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  jobs=$((${memory_kib:-0} / 1572864))
  ((jobs < cores)) || jobs=$cores
  ((jobs > 0)) || jobs=1
  echo "$jobs"
}

# A folder for logs, and nothing of ours alive after the script, however it ends.
begin_stages() {
  stage_folder=$(mktemp -d "${TMPDIR:-/tmp}/sluice-run.XXXXXX")
  trap end_stages EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

end_stages() {
  local code=$?
  trap - EXIT
  stop_stage
  [[ -z $stage_folder ]] || rm -rf "$stage_folder"
  exit "$code"
}

# The stage's whole process group, politely and then not.
stop_stage() {
  local i
  [[ -n $stage_child ]] || return 0
  kill -TERM -- "-$stage_child" 2>/dev/null
  for ((i = 0; i < 50; ++i)); do
    kill -0 -- "-$stage_child" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$stage_child" 2>/dev/null
  stage_child=
}

# run_stage NAME COMMAND...: runs it with its output in a log, progress meanwhile, and a line with
# its time at the end; a failure prints the log's tail. Returns the command's status.
run_stage() {
  local name=$1 log code began=$EPOCHREALTIME
  shift
  log=$stage_folder/${name//[^A-Za-z0-9]/-}.log
  set -m # a process group of its own, so that all of it can be stopped
  ("$@") </dev/null >"$log" 2>&1 &
  stage_child=$!
  set +m
  watch_stage "$name" "$log"
  wait "$stage_child"
  code=$?
  kill -TERM -- "-$stage_child" 2>/dev/null # what it left running
  stage_child=
  finish_stage "$name" "$log" "$code" "$began"
  return "$code"
}

# A redrawn line each second on a terminal, else a plain one every five.
watch_stage() {
  local name=$1 log=$2 tenths=0 every=5
  [[ -t 2 && -z ${NO_COLOR:-} ]] && every=1
  while kill -0 "$stage_child" 2>/dev/null; do
    ((tenths == 0 || tenths % (10 * every))) ||
      show_progress "$every" "$name" $((tenths / 10)) "$log"
    sleep 0.1
    tenths=$((tenths + 1))
  done
}

show_progress() {
  local every=$1 name=$2 elapsed=$3 log=$4 last
  last=$(tail -c 400 "$log" | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]' | cut -c 1-60)
  if ((every == 1)); then
    printf '\r\033[K%s: %d s  %s' "$name" "$elapsed" "$last" >&2
  else
    say "        ... $name: $elapsed s  $last"
  fi
}

finish_stage() {
  local name=$1 log=$2 code=$3 began=$4 word=ok line
  ((code == 0)) || word=FAILED
  line=$(awk -v a="$began" -v b="$EPOCHREALTIME" -v w="$word" -v n="$name" \
    'BEGIN { printf "%8.1f s  %-7s  %s", b - a, w, n }')
  [[ -t 2 && -z ${NO_COLOR:-} ]] && printf '\r\033[K' >&2
  say "$line"
  stage_report+=("$line")
  ((code == 0)) || tail -n 60 "$log" | sed 's/^/    | /' >&2
}

# skip_stage NAME REASON: said and counted, never silent.
skip_stage() {
  local line
  line=$(printf '%10s  %-7s  %s: not run: %s' '' skipped "$1" "$2")
  say "$line"
  stage_report+=("$line")
}

# Both run in a subshell of their own, which holds the build folder's lock: two scripts at a time
# take turns.

# configure_preset PRESET ARGUMENT...: only when that was not done before with these arguments.
configure_preset() (
  preset=$1 folder=$top/build/$1
  shift
  lock_build "$folder" || exit 1
  [[ -f $folder/build.ninja && "$*" == "$(cat "$folder/.arguments" 2>/dev/null)" ]] && exit 0
  cd "$top" && cmake --preset "$preset" "$@" && echo "$*" >"$folder/.arguments"
)

# build_targets PRESET TARGET...: no target: all.
build_targets() (
  folder=$top/build/$1
  shift
  lock_build "$folder" || exit 1
  NINJA_STATUS='[%f/%t] ' cmake --build "$folder" -j "$(build_jobs)" ${1:+--target "$@"}
)

lock_build() {
  mkdir -p "$1" && exec 9>"$1/.lock" && flock 9
}

# targets_like PRESET PATTERN: names of a configured preset's targets, one a line.
targets_like() {
  # A folder configured before a target was added does not know of it yet.
  ninja -C "$top/build/$1" build.ninja >/dev/null || return 1
  ninja -C "$top/build/$1" -t targets all | sed -n 's/: phony$//p' | grep -xE "$2" | sort -u
}
