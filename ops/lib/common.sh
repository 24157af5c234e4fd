# Sourced by the scripts under ops/: messages, Debian packages, the build.

set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$root"

say() { printf '\n==> %s\n' "$*"; }
stop() { printf '\nstopped: %s\n' "$*" >&2; exit 5; }

# What the program is built from and runs on, each a package of Debian (and Ubuntu).
packages=(
    pkg-config libzmq3-dev libopenblas-dev libpng-dev libpq-dev libjpeg-dev libdnnl-dev
    libprotobuf-c-dev protobuf-c-compiler libssl-dev libcurl4-openssl-dev postgresql iproute2
)

install_packages() {
    local missing=() package
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ "${#missing[@]}" -eq 0 ]; then
        say "Packages: all ${#packages[@]} are installed"
        return
    fi
    say "Packages: installing ${missing[*]}"
    local apt=(apt-get)
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "these Debian packages are missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}"
        apt=(sudo apt-get)
    fi
    "${apt[@]}" update -q >/dev/null || stop "apt-get update failed: is a package mirror reachable?"
    DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -q --no-install-recommends "${missing[@]}" >/dev/null ||
        stop "apt-get could not install: ${missing[*]}"
}

need_swift() {
    command -v swift >/dev/null || stop "no swift on the PATH. Install Swift 6.2 or later from https://swift.org/install/linux and try again"
    local version
    version="$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)"
    case "$version" in
        6.[2-9] | 6.[1-9][0-9] | [7-9].* | [1-9][0-9].*) say "Swift $version" ;;
        *) stop "Swift 6.2 or later is needed; 'swift --version' says '${version:-nothing}'" ;;
    esac
}

build() {
    say "Building (release; some minutes the first time)"
    swift build -c release "$@" 2>&1 | grep -vE '^\[[0-9]+/[0-9]+\]|^Building for|^$' || [ "${PIPESTATUS[0]}" -eq 0 ]
}

# Sets `program` to ENDOKED_PROGRAM, or to what is built here.
need_program() {
    program="${ENDOKED_PROGRAM:-}"
    if [ -z "$program" ]; then
        build --product endoked
        program="$(swift build -c release --show-bin-path)/endoked"
    fi
}
