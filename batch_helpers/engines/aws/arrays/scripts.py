"""What a child of an array runs before its own command: it finds its line of the table. For any POSIX shell."""

from __future__ import annotations

from batch_helpers.engines.aws.arrays.table import BLOCK

NAME = "batch_helpers-array"
"""$0 of the scripts, by which the commands of arrays are told."""

_BEGIN = """\
_bh_i=${AWS_BATCH_JOB_ARRAY_INDEX-}
_bh_n='
'
lost() { echo "batch_helpers: array child ${_bh_i:-?} cannot run: $1" >&2; exit 126; }
case $_bh_i in ''|*[!0-9]*) lost "AWS_BATCH_JOB_ARRAY_INDEX=$_bh_i is no number" ;; esac
"""

_RUN = """\
_bh_l=
while IFS= read -r _bh_l; do
  case $_bh_l in "$_bh_i "*) break ;; esac
  _bh_l=
done <<_BH
$_bh_d
_BH
case $_bh_l in "$_bh_i "*" #$_bh_i") ;; *) lost "$_bh_w is malformed: there is no line for it" ;; esac
_bh_l=${_bh_l#* }
_bh_l=${_bh_l#* }
_bh_l=${_bh_l% #*}
(eval "$_bh_l") 2>/dev/null || lost "$_bh_w is malformed: its line is no shell code"
eval "$_bh_l"
exec "$@"
"""

PLAIN = f"""\
{_BEGIN}_bh_w='the table in its command'
_bh_d=$1
{_RUN}"""
"""$1 is the table. Needs nothing but /bin/sh."""

PACKED = f"""\
{_BEGIN}_bh_w='the table in its command'
_bh_d=$(printf %s "$1" | base64 -d 2>/dev/null | gzip -dc 2>/dev/null) ||
  lost "$_bh_w cannot be unpacked: are base64 and gzip in the image?"
{_RUN}"""
"""$1 is the table, packed by gzip, in base64. Needs base64 and gzip, which coreutils and busybox have."""

FETCHED = f"""\
{_BEGIN}_bh_w=$1 _bh_u=${{3-}} _bh_k=
set -- $2
[ $# -gt $((_bh_i / {BLOCK} + 1)) ] || lost "$_bh_w has no line for it"
shift $((_bh_i / {BLOCK}))
_bh_r="bytes=$1-$(($2 - 1))"
_bh_p=${{_bh_w#s3://}}
try() {{
  _bh_d=$("$@" 2>&1) && _bh_k=1 && return
  _bh_e="$_bh_e; $1 failed ($?): ${{_bh_d##*"$_bh_n"}}"
}}
_bh_e="cannot fetch $_bh_w"
if command -v aws >/dev/null 2>&1; then
  try aws s3api get-object --bucket "${{_bh_p%%/*}}" --key "${{_bh_p#*/}}" --range "$_bh_r" /dev/stdout
fi
if [ -z "$_bh_k" ] && python3 -c 'import boto3' >/dev/null 2>&1; then
  try python3 -c 'import boto3, sys
body = boto3.client("s3").get_object(Bucket=sys.argv[1], Key=sys.argv[2], Range=sys.argv[3])["Body"]
sys.stdout.buffer.write(body.read())' "${{_bh_p%%/*}}" "${{_bh_p#*/}}" "$_bh_r"
fi
if [ -z "$_bh_k" ] && [ -n "$_bh_u" ] && command -v curl >/dev/null 2>&1; then
  try curl -fsS --retry 3 -H "Range: $_bh_r" "$_bh_u"
fi
if [ -z "$_bh_k" ] && [ -n "$_bh_u" ] && command -v wget >/dev/null 2>&1; then
  try wget -q -O - "$_bh_u"
fi
[ -n "$_bh_k" ] || lost "$_bh_e; it takes aws, python3 with boto3, curl or wget, and a job role that may read it"
{_RUN}"""
"""$1 is the URI of the table, $2 where its blocks begin and end, $3 a URL for tools that cannot sign.

aws and boto3 sign with the job's role; curl and wget need the URL, which expires. wget reads the whole table: told to
send a Range, GNU's asks for ever when the server heeds it, and busybox's gives up.
"""
