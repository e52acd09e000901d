# Download the read mounts, run the command, upload the write mounts, exit with the command's code.
#
# EZBATCH_COMMAND    what /bin/sh -c runs
# EZBATCH_S3_MOUNTS  lines for this shell: get, put and done_at with `file` or `tree` and the arguments of `aws s3 cp`
# EZBATCH_TRANSFER   a Python program that copies as `aws s3` does, for images that have boto3
# EZBATCH_PYTHON     the Python that runs it, instead of whatever the image has
# EZBATCH_KEEP       an s3:// prefix for the log and partial results of a command that fails
# EZBATCH_SCRATCH    a folder that is this job's alone: emptied before, removed after
#
# Its own variables begin with ez_, since a variable that the job has too would reach the command changed.
# Exit codes of its own: 101 a download failed, 102 an upload failed, 103 nothing to copy with, 143 told to stop.
set -u

say() { printf 'preloader: %s\n' "$*" >&2; }

die() {
    ez_code=$1
    shift
    say "$@"
    exit "$ez_code"
}

have() { command -v "$1" >/dev/null 2>&1; }

# In the background, because a shell that waits for a foreground process hears no signal until it has ended.
attend() {
    "$@" &
    wait "$!"
}

# The whole process group, because the command may be a shell with children of its own.
stop() {
    trap '' TERM INT HUP
    say "told to stop: nothing more is uploaded"
    kill -TERM 0
    wait
    exit "$1"
}

clean_up() { rm -rf -- "$ez_work" ${EZBATCH_SCRATCH:+"$EZBATCH_SCRATCH"}; }

# get KIND SOURCE DESTINATION [OPTION...]
get() {
    [ "$ez_phase" = get ] || return 0
    ez_kind=$1
    shift
    say "download $1 -> $2"
    make_room "$ez_kind" "$2"
    ez_before=$(size "$2")
    attend s3 cp "$@" || die 101 "download of $1 failed; the command is not run"
    [ "$ez_kind" = file ] || [ "$(size "$2")" -gt "$ez_before" ] || attend s3 ls "${1%/}/" ||
        die 101 "there is nothing under $1; the command is not run"
}

# put KIND SOURCE DESTINATION [OPTION...]
put() {
    ez_kind=$1
    shift
    case "$ez_phase" in
    prepare) make_room "$ez_kind" "$1" ;;
    put)
        say "upload $1 -> $2"
        attend s3 cp "$@" || die 102 "upload of $1 failed"
        ;;
    keep) [ ! -e "$1" ] || keep "$@" ;;
    esac
}

# done_at MARKER [OPTION...]
done_at() {
    case "$ez_phase" in
    unmark)
        attend s3 rm "$1" --only-show-errors || say "could not remove the old $1: it says nothing of this upload until that has ended"
        ;;
    put)
        : >"$ez_work/marker"
        attend s3 cp "$ez_work/marker" "$@" || die 102 "upload of $1 failed"
        ;;
    esac
}

make_room() {
    case "$1 $2" in
    tree* | *?/) mkdir -p -- "$2" ;;
    *) mkdir -p -- "$(dirname -- "$2")" ;;
    esac || die 101 "cannot make a folder for $2; the command is not run"
}

# The folder may have had something in it before, of the image or of another mount.
size() { ls -AR -- "$1" 2>/dev/null | wc -l; }

is_filled() { [ -n "$(ls -A -- "$1" 2>/dev/null)" ]; }

each_mount() {
    ez_phase=$1
    eval "${EZBATCH_S3_MOUNTS-}"
}

s3() {
    case "$ez_tool" in
    aws) aws s3 "$@" ;;
    s5cmd) with_s5cmd "$@" ;;
    python) "${EZBATCH_PYTHON:-python3}" -c "$EZBATCH_TRANSFER" "$@" ;;
    esac >&2
}

s5() { S3_ENDPOINT_URL=${S3_ENDPOINT_URL:-${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL-}}} s5cmd --log error "$@"; }

choose_tool() {
    if [ -n "${EZBATCH_PYTHON-}" ]; then
        ez_tool=python
    elif have aws; then
        ez_tool=aws
    elif have s5cmd; then
        ez_tool=s5cmd
    elif [ -n "${EZBATCH_TRANSFER-}" ] && python3 -c 'import boto3' >/dev/null 2>&1; then
        ez_tool=python
    else
        install_aws
        ez_tool=aws
    fi
}

# with_s5cmd cp SOURCE DESTINATION [OPTION...], rm URI or ls URI: the options of `aws s3` as s5cmd spells them.
with_s5cmd() {
    ez_verb=$1 ez_from=$2 ez_to=${3-}
    shift 2
    case "$ez_verb" in
    rm)
        s5 rm --raw "$ez_from"
        return
        ;;
    ls)
        s5 ls "$ez_from*"
        return
        ;;
    esac
    shift
    ez_folder=
    ez_count=$#
    while [ "$ez_count" -gt 0 ]; do
        ez_option=$1
        shift
        ez_count=$((ez_count - 1))
        case "$ez_option" in
        --quiet | --no-progress | --only-show-errors) ;;
        --recursive) ez_folder=yes ;;
        --exclude | --include | --sse | --sse-kms-key-id | --storage-class | --acl | --content-type | --cache-control)
            [ "$ez_count" -gt 0 ] || die 103 "option $ez_option lacks its value"
            set -- "$@" "$ez_option" "$1"
            shift
            ez_count=$((ez_count - 1))
            ;;
        *) die 103 "s5cmd has nothing like $ez_option: put the AWS CLI into the image" ;;
        esac
    done
    if [ -z "$ez_folder" ]; then
        s5 cp --raw "$@" "$ez_from" "$ez_to"
    elif [ "${ez_from#s3://}" != "$ez_from" ]; then
        s5 cp "$@" "${ez_from%/}/*" "${ez_to%/}/"
    elif [ -d "$ez_from" ] && ! is_filled "$ez_from"; then
        :
    else
        s5 cp "$@" "${ez_from%/}/" "${ez_to%/}/"
    fi
}

install_aws() {
    say "no aws, s5cmd or python3 with boto3 here: installing the AWS CLI; put it into the image to save this time"
    if have apk; then
        attend packages aws-cli || die 103 "could not install aws-cli: put it into the image"
        return
    fi
    case "$(uname -m)" in
    x86_64 | amd64) ez_arch=x86_64 ;;
    aarch64 | arm64) ez_arch=aarch64 ;;
    *) die 103 "there is no AWS CLI for $(uname -m): put something that copies into the image" ;;
    esac
    ez_missing=
    have curl || have wget || ez_missing="curl ca-certificates"
    have unzip || ez_missing="${ez_missing:+$ez_missing }unzip"
    [ -z "$ez_missing" ] || attend packages "$ez_missing" || die 103 "could not install $ez_missing: put the AWS CLI into the image"
    ez_url=${EZBATCH_AWSCLI_URL:-https://awscli.amazonaws.com/awscli-exe-linux-$ez_arch.zip}
    attend unpack_aws "$ez_url" || die 103 "could not install the AWS CLI from $ez_url: put it into the image"
    PATH="$ez_work/bin:$PATH"
}

packages() {
    [ "$(id -u)" = 0 ] || die 103 "not root, so $* cannot be installed: put the AWS CLI into the image"
    # The names are several words.
    # shellcheck disable=SC2048,SC2086
    if have apk; then
        apk add --no-cache $*
    elif have apt-get; then
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $*
    elif have dnf; then
        dnf install -y $*
    elif have microdnf; then
        microdnf install -y $*
    elif have yum; then
        yum install -y $*
    else
        die 103 "no package manager here to install $* with: put the AWS CLI into the image"
    fi >&2
}

unpack_aws() {
    if have curl; then curl -fsSL -o "$ez_work/aws.zip" "$1"; else wget -q -O "$ez_work/aws.zip" "$1"; fi &&
        unzip -q "$ez_work/aws.zip" -d "$ez_work" &&
        "$ez_work/aws/install" -i "$ez_work/cli" -b "$ez_work/bin" >&2
}

run_command() {
    if [ -z "${EZBATCH_KEEP-}" ]; then
        attend /bin/sh -c "$EZBATCH_COMMAND"
        return
    fi
    mkfifo "$ez_work/pipe"
    tee -- "$ez_work/log.txt" <"$ez_work/pipe" &
    ez_tee=$!
    /bin/sh -c "$EZBATCH_COMMAND" >"$ez_work/pipe" 2>&1 &
    wait "$!"
    ez_code=$?
    # A process that the command has left behind may hold the pipe open for ever.
    (sleep 2 && kill "$ez_tee") >/dev/null 2>&1 &
    wait "$ez_tee"
    return "$ez_code"
}

keep() {
    ez_from=$1 ez_name=${1%/}
    shift 2
    say "keep $ez_from -> $ez_kept/${ez_name##*/}"
    attend s3 cp "$ez_from" "$ez_kept/${ez_name##*/}" "$@" || say "$ez_from could not be kept"
}

keep_failure() {
    ez_kept=${EZBATCH_KEEP%/}/${AWS_BATCH_JOB_ID:-job}/${AWS_BATCH_JOB_ATTEMPT:-1}
    keep "$ez_work/log.txt" - --only-show-errors
    each_mount keep
}

ez_work=
for ez_place in "${TMPDIR:-/tmp}" /tmp /dev/shm .; do
    ez_work=$(mktemp -d "$ez_place/preloader.XXXXXX" 2>/dev/null) && break
done
[ -n "$ez_work" ] || die 103 "there is no folder that can be written to: set TMPDIR to one; the command is not run"
trap clean_up EXIT
trap 'stop 143' TERM
trap 'stop 130' INT
trap 'stop 129' HUP
[ -z "${EZBATCH_SCRATCH-}" ] || { rm -rf -- "$EZBATCH_SCRATCH" && mkdir -p -- "$EZBATCH_SCRATCH"; } ||
    die 101 "cannot make $EZBATCH_SCRATCH; the command is not run"
[ -z "${EZBATCH_S3_MOUNTS-}" ] || choose_tool
each_mount get
each_mount prepare
run_command
ez_code=$?
if [ "$ez_code" -eq 0 ]; then
    each_mount unmark
    each_mount put
elif [ -n "${EZBATCH_KEEP-}" ]; then
    keep_failure
fi
exit "$ez_code"
