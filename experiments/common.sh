# Sourced by the scripts beside it, from the root of the repository: flags, data, and runs that may fail.

# Sets preset, categories, data_dir, runs, results, force and the flags passed_on to `python -m instance_seg.train`.
parse_arguments() {
  preset=demo categories='' data_dir='' runs='' results='' force=false passed_on=()
  local argument
  for argument in "$@"; do
    case $argument in
      --preset=*) preset=${argument#*=} ;;
      --categories=*) categories=${argument#*=} ;;
      --data_dir=*) data_dir=${argument#*=} ;;
      --runs=*) runs=${argument#*=} ;;
      --results=*) results=${argument#*=} ;;
      --force) force=true ;;
      --help) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/$(basename "$0")" && exit 0 ;;
      *) passed_on+=("$argument") ;;
    esac
  done
  name=$(basename "$preset" .yaml)
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

# run NAME MODULE FLAGS...: runs a program of the package in the folder NAME of the runs, unless there are results of that
# name.
run() {
  if ! is_done "$1"; then
    if $force; then rm -rf "${runs:?}/$1"; fi
    start "$@" || return 0
  fi
  keep "$1"
}

# start NAME MODULE FLAGS...: the same, whatever there is. A failure is noted in failed and returned, Ctrl-C or SIGTERM end
# the script; the next call goes on from there.
failed=()
start() {
  local logdir=$runs/$1 module=$2 code
  shift 2
  "$PYTHON" -m "$module" --preset="$preset" --data_dir="$data_dir" --logdir="$logdir" \
    ${passed_on[@]+"${passed_on[@]}"} "$@" </dev/null || {
    code=$?
    if [ "$code" -ge 128 ]; then exit "$code"; fi
    failed+=("$logdir")
    return "$code"
  }
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
  "$PYTHON" tools/collect_results.py "$runs/$1" "$results/$1" $($force && echo --force) || failed+=("$results/$1")
}

# Prints the report, over the results that are kept if there are any, and what has failed.
report() {
  "$PYTHON" -m instance_seg.report "${results:-$runs}"
  if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}" >&2
    exit 1
  fi
}
