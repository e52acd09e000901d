# Download the read mounts, run the command, upload the write mounts, exit with the command's code.
#
# EZBATCH_COMMAND    what /bin/sh -c runs
# EZBATCH_S3_MOUNTS  lines for this shell: get, put and done_at with `file` or `tree` and the arguments of `aws s3 cp`
# EZBATCH_TRANSFER   a Python program that copies as `aws s3` does, for images that have boto3
# EZBATCH_PYTHON     the Python that runs it, instead of whatever the image has
# EZBATCH_KEEP       an s3:// prefix for the log and partial results of a command that fails
# EZBATCH_SCRATCH    a folder that is this job's alone: emptied before, removed after
#
# Exit codes of its own: 101 a download failed, 102 an upload failed, 103 nothing to copy with, 143 told to stop.
set -u

say() { printf 'preloader: %s\n' "$*" >&2; }

die() {
    code=$1
    shift
    say "$@"
    exit "$code"
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

clean_up() { rm -rf -- "$work" ${EZBATCH_SCRATCH:+"$EZBATCH_SCRATCH"}; }

# get KIND SOURCE DESTINATION [OPTION...]
get() {
    [ "$phase" = get ] || return 0
    kind=$1
    shift
    say "download $1 -> $2"
    make_room "$kind" "$2"
    attend s3 cp "$@" || die 101 "download of $1 failed; the command is not run"
    [ "$kind" = file ] || is_filled "$2" || die 101 "there is nothing under $1; the command is not run"
}

# put KIND SOURCE DESTINATION [OPTION...]
put() {
    kind=$1
    shift
    case "$phase" in
    prepare) make_room "$kind" "$1" ;;
    put)
        say "upload $1 -> $2"
        attend s3 cp "$@" || die 102 "upload of $1 failed"
        ;;
    keep) [ ! -e "$1" ] || keep "$@" ;;
    esac
}

# done_at MARKER [OPTION...]
done_at() {
    case "$phase" in
    unmark)
        attend s3 rm "$1" --only-show-errors || say "could not remove the old $1: it says nothing of this upload until that has ended"
        ;;
    put)
        : >"$work/marker"
        attend s3 cp "$work/marker" "$@" || die 102 "upload of $1 failed"
        ;;
    esac
}

make_room() {
    case "$1 $2" in
    tree* | *?/) mkdir -p -- "$2" ;;
    *) mkdir -p -- "$(dirname -- "$2")" ;;
    esac || die 101 "cannot make a folder for $2; the command is not run"
}

is_filled() { [ -n "$(ls -A -- "$1" 2>/dev/null)" ]; }

each_mount() {
    phase=$1
    eval "${EZBATCH_S3_MOUNTS-}"
}

s3() {
    case "$tool" in
    aws) aws s3 "$@" ;;
    s5cmd) with_s5cmd "$@" ;;
    python) "${EZBATCH_PYTHON:-python3}" -c "$EZBATCH_TRANSFER" "$@" ;;
    esac >&2
}

choose_tool() {
    if [ -n "${EZBATCH_PYTHON-}" ]; then
        tool=python
    elif have aws; then
        tool=aws
    elif have s5cmd; then
        tool=s5cmd
        export S3_ENDPOINT_URL="${S3_ENDPOINT_URL:-${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL-}}}"
    elif [ -n "${EZBATCH_TRANSFER-}" ] && python3 -c 'import boto3' >/dev/null 2>&1; then
        tool=python
    else
        install_aws
        tool=aws
    fi
}

# with_s5cmd cp SOURCE DESTINATION [OPTION...], or rm URI: the options of `aws s3` as s5cmd spells them.
with_s5cmd() {
    verb=$1 from=$2 to=${3-}
    shift 2
    if [ "$verb" = rm ]; then
        s5cmd --log error rm --raw "$from"
        return
    fi
    shift
    folder=
    count=$#
    while [ "$count" -gt 0 ]; do
        option=$1
        shift
        count=$((count - 1))
        case "$option" in
        --quiet | --no-progress | --only-show-errors) ;;
        --recursive) folder=yes ;;
        --exclude | --include | --sse | --sse-kms-key-id | --storage-class | --acl | --content-type | --cache-control)
            [ "$count" -gt 0 ] || die 103 "option $option lacks its value"
            set -- "$@" "$option" "$1"
            shift
            count=$((count - 1))
            ;;
        *) die 103 "s5cmd has nothing like $option: put the AWS CLI into the image" ;;
        esac
    done
    if [ -z "$folder" ]; then
        s5cmd --log error cp --raw "$@" "$from" "$to"
    elif [ "${from#s3://}" != "$from" ]; then
        s5cmd --log error cp "$@" "${from%/}/*" "${to%/}/"
    elif [ -d "$from" ] && ! is_filled "$from"; then
        :
    else
        s5cmd --log error cp "$@" "${from%/}/" "${to%/}/"
    fi
}

install_aws() {
    say "no aws, s5cmd or python3 with boto3 here: installing the AWS CLI; put it into the image to save this time"
    if have apk; then
        attend packages aws-cli || die 103 "could not install aws-cli: put it into the image"
        return
    fi
    case "$(uname -m)" in
    x86_64 | amd64) arch=x86_64 ;;
    aarch64 | arm64) arch=aarch64 ;;
    *) die 103 "there is no AWS CLI for $(uname -m): put something that copies into the image" ;;
    esac
    missing=
    have curl || have wget || missing="curl ca-certificates"
    have unzip || missing="${missing:+$missing }unzip"
    [ -z "$missing" ] || attend packages "$missing" || die 103 "could not install $missing: put the AWS CLI into the image"
    url=${EZBATCH_AWSCLI_URL:-https://awscli.amazonaws.com/awscli-exe-linux-$arch.zip}
    attend unpack_aws "$url" || die 103 "could not install the AWS CLI from $url: put it into the image"
    PATH="$work/bin:$PATH"
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
    if have curl; then curl -fsSL -o "$work/aws.zip" "$1"; else wget -q -O "$work/aws.zip" "$1"; fi &&
        unzip -q "$work/aws.zip" -d "$work" &&
        "$work/aws/install" -i "$work/cli" -b "$work/bin" >&2
}

run_command() {
    if [ -z "${EZBATCH_KEEP-}" ]; then
        attend /bin/sh -c "$EZBATCH_COMMAND"
        return
    fi
    mkfifo "$work/pipe"
    tee -- "$work/log.txt" <"$work/pipe" &
    tee=$!
    /bin/sh -c "$EZBATCH_COMMAND" >"$work/pipe" 2>&1 &
    wait "$!"
    code=$?
    # A process that the command has left behind may hold the pipe open for ever.
    (sleep 2 && kill "$tee") >/dev/null 2>&1 &
    wait "$tee"
    return "$code"
}

keep() {
    from=$1 name=${1%/}
    shift 2
    say "keep $from -> $kept/${name##*/}"
    attend s3 cp "$from" "$kept/${name##*/}" "$@" || say "$from could not be kept"
}

keep_failure() {
    kept=${EZBATCH_KEEP%/}/${AWS_BATCH_JOB_ID:-job}/${AWS_BATCH_JOB_ATTEMPT:-1}
    keep "$work/log.txt" - --only-show-errors
    each_mount keep
}

work=$(mktemp -d) || exit 103
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
code=$?
if [ "$code" -eq 0 ]; then
    each_mount unmark
    each_mount put
elif [ -n "${EZBATCH_KEEP-}" ]; then
    keep_failure
fi
exit "$code"
