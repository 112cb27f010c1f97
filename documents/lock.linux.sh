#!/bin/sh
# Keyward lock, Linux. Before a key is revoked it stops what the policy names, in this order: units,
# mounts, dm-crypt mappings; unlock mounts and starts again. It prints one line:
#   KWL1 <length> OK <base64 of gzip of JSON>
# Nothing is forced: a unit that does not stop, a mount that is in use and a mapping that is open stay
# as they are and are told. After each step the system is read back. The first step that fails ends
# the work, the rest is only read. No secret is read and no file is written.
# quiesce starts a unit that holds an application at rest on disk, resume stops it. A timer of systemd's
# stops it after Within seconds when nobody comes back for it.
# It is one file because SSM runs one text. Awk programs are quoted on purpose, the readers of states are
# called by their names in variables, and ls shows many links of /proc in one call.
# shellcheck disable=SC2016,SC2329,SC2012
exec 2>/dev/null
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
unset ENV BASH_ENV CDPATH LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT IFS GREP_OPTIONS POSIXLY_CORRECT
LC_ALL=C; export LC_ALL; umask 077; set -f
NONCE='{{ Nonce }}'; ACTION='{{ Action }}'; WITHIN='{{ Within }}'
UNITS='{{ Units }}'; MOUNTS='{{ Mounts }}'; MAPPINGS='{{ Mappings }}'
case $NONCE in ''|*[!0-9a-f]*) exit 0;; esac
case $ACTION in flush|status|quiesce|resume|lock|unlock) ;; *) exit 0;; esac
case $WITHIN in ''|*[!0-9]*) exit 0;; esac
case $UNITS$MOUNTS$MAPPINGS in *[!A-Za-z0-9@_.:/,-]*) exit 0;; esac
MOUNTINFO=/proc/self/mountinfo; BLOCK=/sys/class/block; MAPPER=/dev/mapper
ME=$(id -u); ME=${ME:--1}
END=$(( $(date +%s) + WITHIN ))
BROKEN=

# lim SECONDS COMMAND...: under a time limit; the shell's own when timeout(1) is missing.
TMO=none
lim() {
  if [ "$TMO" = none ]; then
    if timeout -k 1 1 true; then TMO='timeout -k 1'
    elif timeout 1 true; then TMO=timeout
    elif timeout -t 1 true; then TMO='timeout -t'
    else TMO=; fi
  fi
  # shellcheck disable=SC2086
  if [ -n "$TMO" ]; then $TMO "$@" </dev/null; return $?; fi
  _s=$1; shift; "$@" </dev/null & _p=$!
  ( sleep "$_s"; kill -9 "$_p" ) </dev/null >/dev/null & _w=$!
  wait "$_p"; _r=$?; kill "$_w"; return "$_r"
}
# timed COMMAND...: under what is left of the whole time.
timed() {
  _left=$(( END - $(date +%s) )); [ "$_left" -gt 0 ] || return 124
  lim "$_left" "$@" >/dev/null
}

# unit NAME, mount NAME, mapping NAME: S is its state as the system has it now.
unit() {
  S=unreadable _load='' _active=''
  for _l in $(lim 10 systemctl show -p LoadState -p ActiveState "$1"); do
    case $_l in LoadState=*) _load=${_l#*=};; ActiveState=*) _active=${_l#*=};; esac
  done
  case $_load:$_active in
    not-found:inactive) S=absent;;
    *:active|*:inactive|*:failed|*:activating|*:deactivating|*:reloading|*:maintenance) S=$_active;;
  esac
}
mount_() {
  S=unreadable
  case $(awk -v t="$1" '$5 == t { n++ } END { if (NR) print (n ? "yes" : "no") }' "$MOUNTINFO") in
    yes) S=mounted;; no) S=unmounted;;
  esac
}
# A mapping is closed when neither the kernel nor /dev/mapper knows its name.
mapping() {
  S=unreadable CRYPT=
  [ -d "$BLOCK" ] || return 0
  S=closed
  set +f
  for _d in "$BLOCK"/dm-*; do
    _n=; [ -r "$_d/dm/name" ] && IFS= read -r _n <"$_d/dm/name"
    [ "$_n" = "$1" ] || continue
    S=open; _u=; IFS= read -r _u <"$_d/dm/uuid"
    case $_u in CRYPT-*) CRYPT=yes;; esac
  done
  set -f
  if [ "$S" = closed ] && { [ -e "$MAPPER/$1" ] || [ -L "$MAPPER/$1" ]; }; then S=open; fi
}

# holders TARGET: the first processes that have something open below it.
holders() {
  { set +f; ls -l /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/fd | awk -v t="$1" '
      /^\/proc\/[0-9]+\/fd:$/ { split($0,a,"/"); p=a[3]; next }
      { i=index($0," -> "); if(i==0) next
        to=substr($0,i+4); if(to!=t && index(to,t "/")!=1) next
        q=p; if(match($0,/\/proc\/[0-9]+\/(cwd|root) -> /)) { split(substr($0,RSTART),b,"/"); q=b[3] }
        if(q!="" && !(q in seen)) { seen[q]=1; print q } }' | head -n 3
  } | while read -r _p; do
    _c=; IFS= read -r _c <"/proc/$_p/comm"; printf ' %s (%s)' "$_p" "$_c"
  done
}

# step KIND NAME BEFORE AFTER RESULT WHY: one line of the plan, separated by tabs.
step() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$6"; }
why() { case $1 in 124|137|143) W=timeout;; 127) W=no_program;; *) W="exit_$1";; esac; }

# act KIND NAME READER GOOD COMMAND...: until S matches GOOD, says the system.
act() {
  _kind=$1 _name=$2 _reader=$3 _good=$4; shift 4
  "$_reader" "$_name"; _before=$S W=
  case "|$_good|" in *"|$S|"*) step "$_kind" "$_name" "$_before" "$S" already ''; return;; esac
  if [ -n "$BROKEN" ]; then step "$_kind" "$_name" "$_before" "$S" skipped ''; return; fi
  if [ "$ME" != 0 ]; then
    W=not_root
  elif [ "$_kind:$ACTION" = mapping:lock ] && [ "$S" = open ] && [ -z "$CRYPT" ]; then
    W=not_crypt
  else
    timed "$@"; _code=$?; [ "$_code" = 0 ] || why "$_code"
    "$_reader" "$_name"
    # What is mounted over it twice takes two.
    for _again in 1 2 3; do
      if [ "$_kind:$ACTION" != mount:lock ] || [ "$S" != mounted ] || [ "$_code" != 0 ]; then break; fi
      timed "$@"; _code=$?; "$_reader" "$_name"
    done
  fi
  case "|$_good|" in *"|$S|"*) step "$_kind" "$_name" "$_before" "$S" 'done' ''; return;; esac
  BROKEN=yes
  if [ "$_kind:$ACTION" = mount:lock ] && [ "$W" != not_root ]; then
    _h=$(holders "$_name"); [ -z "$_h" ] || W="$W; held by$_h"
  fi
  step "$_kind" "$_name" "$_before" "$S" failed "${W:-still_$S}"
}
see() { "$3" "$2"; step "$1" "$2" "$S" "$S" read ''; }

# disarm takes away the timer that ends a rest, and what it left.
disarm() {
  lim 10 systemctl stop keyward-rest.timer keyward-rest.service
  lim 10 systemctl reset-failed keyward-rest.timer keyward-rest.service
} >/dev/null
# arm NAME: systemd stops NAME after Within seconds, whoever is gone by then.
arm() {
  disarm
  timed systemd-run --unit=keyward-rest --on-active="$WITHIN" --timer-property=AccuracySec=1s systemctl stop "$1"
  unit keyward-rest.timer; [ "$S" = active ]
}
# quiesce NAME: what is at rest already, and not by an earlier call, is another's rest and left alone.
quiesce() {
  unit keyward-rest.timer; _armed=$S
  unit "$1"; _before=$S W=
  case $_before:$_armed in
    active:active) step unit "$1" "$_before" "$S" already ''; return;;
    inactive:*|failed:*) ;;
    absent:*|unreadable:*) W=$_before;;
    *:active) W="is_$_before";;
    *) BROKEN=yes; step unit "$1" "$_before" "$S" skipped not_ours; return;;
  esac
  [ "$ME" = 0 ] || W=not_root
  if [ -z "$W" ] && ! arm "$1"; then W=no_timer; fi
  if [ -z "$W" ]; then
    timed systemctl start "$1"; _code=$?; [ "$_code" = 0 ] || why "$_code"
    unit "$1"
    if [ "$S" = active ]; then step unit "$1" "$_before" "$S" 'done' ''; return; fi
    W=${W:-still_$S}
    lim 60 systemctl stop "$1" >/dev/null
    disarm
  fi
  BROKEN=yes; unit "$1"; step unit "$1" "$_before" "$S" failed "$W"
}
# resume NAME: it says what the unit was before, so that a rest which was over too soon is seen.
resume() {
  unit "$1"; _before=$S W=
  case $S in
    inactive|failed|absent) disarm; step unit "$1" "$_before" "$S" already ''; return;;
  esac
  if [ "$ME" = 0 ]; then timed systemctl stop "$1"; _code=$?; [ "$_code" = 0 ] || why "$_code"; else W=not_root; fi
  unit "$1"
  if [ "$S" = inactive ]; then disarm; step unit "$1" "$_before" "$S" 'done' ''; return; fi
  step unit "$1" "$_before" "$S" failed "${W:-still_$S}"
}

# plan does the work; what it prints is a line for each step.
plan() {
  case $ACTION in quiesce|resume)
    IFS=,
    for n in $UNITS; do
      unset IFS; [ "$n" = - ] || "$ACTION" "$n"
    done
    unset IFS
    [ "$ACTION" = quiesce ] || return
    MOUNTS=- MAPPINGS=- UNITS=-;;
  esac
  if [ -z "$BROKEN" ] && { [ "$ACTION" = flush ] || [ "$ACTION" = quiesce ] || [ "$ACTION" = lock ]; }; then
    if timed sync; then step flush buffers '' '' 'done' ''; else why "$?"; BROKEN=yes; step flush buffers '' '' failed "$W"; fi
  fi
  IFS=,
  [ "$ACTION" != unlock ] || for n in $MOUNTS; do
    unset IFS; [ "$n" = - ] || act mount "$n" mount_ mounted mount "$n"
  done
  IFS=,
  for n in $UNITS; do
    unset IFS
    [ "$n" != - ] || continue
    case $ACTION in
      lock) act unit "$n" unit 'inactive|failed|absent' systemctl stop "$n";;
      unlock) act unit "$n" unit active systemctl start "$n";;
      *) see unit "$n" unit;;
    esac
  done
  IFS=,
  [ "$ACTION" = unlock ] || for n in $MOUNTS; do
    unset IFS
    [ "$n" != - ] || continue
    if [ "$ACTION" = lock ]; then act mount "$n" mount_ unmounted umount "$n"; else see mount "$n" mount_; fi
  done
  IFS=,
  for n in $MAPPINGS; do
    unset IFS
    [ "$n" != - ] || continue
    if [ "$ACTION" = lock ]; then act mapping "$n" mapping closed cryptsetup close "$n"; else see mapping "$n" mapping; fi
  done
  unset IFS
}

json() {
  awk -F '\t' -v head="$1" '
    function esc(s){ gsub(/[^ -~]/,"?",s); gsub(/\\/,"&&",s); gsub(/"/,"\\\\&",s); return substr(s,1,240) }
    { out=out (out==""?"":",") "{\"k\":\"" esc($1) "\",\"n\":\"" esc($2) "\",\"before\":\"" esc($3) "\",\"after\":\"" esc($4) "\",\"r\":\"" esc($5) "\"" ($6==""?"":",\"why\":\"" esc($6) "\"") "}" }
    END{ printf "{%s,\"steps\":[%s]}",head,out }'
}
HEAD="\"v\":1,\"nonce\":\"$NONCE\",\"probe\":\"lock-sh/1.0.0\",\"action\":\"$ACTION\",\"uid\":$ME"
LINE=$(plan | json "$HEAD" | gzip -9c | base64 | tr -d '\n')
[ -n "$LINE" ] && printf 'KWL1 %s OK %s\n' "${#LINE}" "$LINE"
exit 0
