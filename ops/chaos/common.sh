# Sourced by the chaos scripts: a program, an archive, a pipeline, and how two runs are compared.
source "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

# ENDOKED_PROGRAM names a program that is built already.
need_program
endoked="$program"
work="${CHAOS_FOLDER:-$(mktemp -d /tmp/endoked-chaos.XXXXXX)}"
mkdir -p "$work"
# The private PostgreSQL runs as another user when we are root.
chmod 755 "$work"

archive="$work/archive"
[ -d "$archive" ] || "$endoked" synth "$archive" --seed 11 --studies "${CHAOS_STUDIES:-24}"

# Everything that two runs of the same pipeline must have in common, byte for byte.
tables=(studies.csv report-labels.csv bag-scores.csv image-scores.csv boxes.csv items.csv rounds.csv evaluations.csv)

compare() { # compare FOLDER FOLDER
    local table result=0
    for table in "${tables[@]}"; do
        if cmp -s "$1/$table" "$2/$table"; then
            printf '  same       %-20s %6d rows\n' "$table" "$(($(wc -l <"$1/$table") - 1))"
        else
            printf '  DIFFERENT  %s\n' "$table"
            diff "$1/$table" "$2/$table" | head -6 || true
            result=1
        fi
    done
    local model models=()
    [ -d "$1/models" ] && models=("$1"/models/*.safetensors)
    for model in "${models[@]##*/}"; do
        cmp -s "$1/models/$model" "$2/models/$model" &&
            echo "  same       ${model%.safetensors}'s final parameters  $(sha256sum <"$1/models/$model" | cut -c1-16)…" ||
            { echo "  DIFFERENT  ${model%.safetensors}'s final parameters"; result=1; }
    done
    [ "${#models[@]}" -gt 0 ] || { echo "  no parameters to compare"; result=1; }
    return "$result"
}

wait_for_stage() { # wait_for_stage NAME STAGE: until the stage runs or is over
    for _ in $(seq 600); do
        "$endoked" status --connect "ipc://$(ls "$work/$1"/state/coordinator*.sock 2>/dev/null | head -n 1)" --json 2>/dev/null |
            python3 -c 'import json,sys
s=json.load(sys.stdin)["jobs"]
sys.exit(0 if any(g["name"]==sys.argv[1] and g["state"]!="pending" for j in s for g in j["stages"]) else 1)' "$2" 2>/dev/null && return 0
        sleep 0.2
    done
    echo "  stage $2 was not reached"
    return 1
}
