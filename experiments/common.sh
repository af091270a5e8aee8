# Sourced by the scripts beside it, from the root of the repository: flags, data, and runs that may fail.

# Sets preset, categories, data_dir, runs, results, jobs, force and the flags passed_on to `python -m instance_seg.train`.
parse_arguments() {
  preset=demo categories='' data_dir='' runs='' results='' jobs=1 force=false passed_on=()
  local argument
  for argument in "$@"; do
    case $argument in
      --preset=*) preset=${argument#*=} ;;
      --categories=*) categories=${argument#*=} ;;
      --data_dir=*) data_dir=${argument#*=} ;;
      --runs=*) runs=${argument#*=} ;;
      --results=*) results=${argument#*=} ;;
      --jobs=*) jobs=${argument#*=} ;;
      --force) force=true ;;
      --help) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/$(basename "$0")" && exit 0 ;;
      *) passed_on+=("$argument") ;;
    esac
  done
  name=$(basename "$preset" .yaml)
  case $jobs in '' | *[!0-9]* | 0*) echo "--jobs: '$jobs' is not a number of runs, 1 or more" >&2 && exit 1 ;; esac
}

# Sets data_dir and categories to what is there; without --data_dir makes procedural shapes, of the categories of $1
# unless others are asked for.
prepare_data() {
  if [ -z "$data_dir" ]; then
    local sizes wanted category
    if [ "$name" = smoke ]; then data_dir=data/procedural_smoke sizes='--train=16 --val=2 --test=4'
    else data_dir=data/procedural sizes='--train=400 --val=8 --test=60'; fi
    wanted=${categories:-$1}
    [ "$wanted" = all ] && wanted=$("$PYTHON" tools/list_categories.py --procedural)
    for category in ${wanted//,/ }; do
      if [ ! -e "$data_dir/stats/train_val_test_split/$category.test.json" ]; then # written last: the set is complete
        "$PYTHON" tools/make_procedural.py --out="$data_dir" --categories="$category" $sizes
      fi
    done
    categories=$wanted
  fi
  categories=$("$PYTHON" tools/list_categories.py "$data_dir" "${categories:-all}")
}

# for_each COMMAND ITEM...: calls COMMAND with the words of every item, or has --jobs workers do so, each with its share of
# the cores.
for_each() {
  local command=$1 item
  shift
  shared=$(mktemp -d) # what the workers tell one another: items that are taken, runs that have failed
  trap 'rm -rf "$shared"' EXIT
  if [ "$jobs" = 1 ]; then
    for item in "$@"; do "$command" $item; done
  else
    work_side_by_side "$command" "$@"
  fi
}

# Ctrl-C or SIGTERM goes on to the workers and what they run, each a process group of its own.
work_side_by_side() {
  local share=$(($(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) / jobs)) worker workers=() code=0
  if [ "$share" -lt 1 ]; then share=1; fi
  export TF_NUM_INTRAOP_THREADS=$share TF_NUM_INTEROP_THREADS=$share
  set -m
  for ((worker = 0; worker < jobs; worker++)); do
    work "$@" &
    workers+=($!)
  done
  set +m
  trap 'kill -TERM "${workers[@]/#/-}" 2>/dev/null; wait; exit 143' INT TERM
  for worker in "${workers[@]}"; do wait "$worker" || code=$?; done
  trap - INT TERM
  if [ "$code" -ne 0 ]; then exit "$code"; fi
}

# Does every item that no other worker has taken; making its folder is taking it. Terminated, it first lets the program it
# runs save what it has.
work() {
  local command=$1 item
  shift
  trap - EXIT
  trap 'exit 143' TERM
  for item in "$@"; do
    if mkdir "$shared/${item// /_}" 2>/dev/null; then "$command" $item; fi
  done
}

# run NAME MODULE FLAGS...: runs a program of the package in the folder NAME of the runs, unless there are results of that
# name.
run() {
  if ! is_done "$1"; then
    if $force; then rm -rf "${runs:?}/$1"; fi
    start "$@" || return 0
  fi
  keep "$1"
}

# start NAME MODULE FLAGS...: the same, whatever there is. A failure is noted and returned, Ctrl-C or SIGTERM end
# the script; the next call goes on from there.
start() {
  local logdir=$runs/$1 module=$2 code
  shift 2
  with_output_of "$logdir" "$PYTHON" -m "$module" --preset="$preset" --data_dir="$data_dir" --logdir="$logdir" \
    ${passed_on[@]+"${passed_on[@]}"} "$@" </dev/null || {
    code=$?
    if [ "$code" -ge 128 ]; then exit "$code"; fi
    fail "$logdir"
    return "$code"
  }
}

# with_output_of FOLDER COMMAND...: runs it; where several go on side by side, its output goes to a file of the folder.
with_output_of() {
  local folder=$1 code=0
  shift
  if [ "$jobs" = 1 ]; then
    "$@"
    return
  fi
  mkdir -p "$folder"
  echo "started: $folder (tail -f $folder/output.log)"
  "$@" >>"$folder/output.log" 2>&1 || code=$?
  if [ "$code" = 0 ]; then echo "ended: $folder"; else echo "failed: $folder (see its output.log)" >&2; fi
  return "$code"
}

fail() {
  echo "$1" >>"$shared/failed"
}

# Whether a run has results, among the runs or among the results that are kept; says where.
is_done() {
  local folder
  if $force; then return 1; fi
  for folder in "$runs" ${results:+"$results"}; do
    if [ -e "$folder/$1/results.json" ]; then
      echo "done: $folder/$1/results.json (--force redoes it)"
      return
    fi
  done
  return 1
}

# Copies the results of a run to those that are kept (--results).
keep() {
  local new=$runs/$1/results.json
  if [ -z "$results" ] || [ ! -e "$new" ] || cmp -s "$new" "$results/$1/results.json"; then return; fi
  "$PYTHON" tools/collect_results.py "$runs/$1" "$results/$1" $($force && echo --force) || fail "$results/$1"
}

# Prints the report, over the results that are kept if there are any, and what has failed.
report() {
  "$PYTHON" -m instance_seg.report "${results:-$runs}"
  if [ -e "$shared/failed" ]; then
    echo "FAILED: $(tr '\n' ' ' <"$shared/failed")" >&2
    exit 1
  fi
}
