#!/bin/sh
# Keyward inspection, Linux. Reads facts about this machine and prints them as one line:
#   KWE1 <length> <OK|CUT> <base64 of gzip of JSON>
# It writes nothing, changes nothing and runs nothing that was installed outside the system's own
# PATH, except the query tools of security products when only root could have put them there. No secret
# is read: of configuration files only the named settings leave the machine. Times out in seconds.
# It is one file because SSM runs one text.
# Awk programs are quoted on purpose, and what the scan finds is used in its own subshell alone.
# shellcheck disable=SC2016,SC2030,SC2031
exec 2>/dev/null
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
unset ENV BASH_ENV CDPATH LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT IFS GREP_OPTIONS POSIXLY_CORRECT
LC_ALL=C; export LC_ALL; umask 077; set -f
NONCE='{{ Nonce }}'
WANT=',{{ Collect }},'
ASK='{{ Ask }}'
case $NONCE$WANT in *[!0-9a-z,]*) exit 0;; esac
case $ASK in *[!A-Za-z0-9,:/._+@-]*) exit 0;; esac
START=$(date '+%s %z')
TZ=UTC0; export TZ
ME=$(id -u); ME=${ME:--1}
has() { case $WANT in *,"$1",*) return 0;; esac; return 1; }
# asked KIND: the names of this kind that were asked for, in A; their characters are all harmless.
asked() {
  A=; _o=$ASK,
  while [ -n "$_o" ]; do
    case $_o in "$1":*) _i=${_o%%,*}; A="$A ${_i#*:}";; esac
    _o=${_o#*,}
  done
  [ -n "$A" ]
}

# look PATH: S is empty when it is a file that can be read, else why not.
look() {
  S=
  if [ -f "$1" ]; then [ -r "$1" ] && return 0; S=denied
  elif [ -e "$1" ]; then S=not_file
  else
    S=absent; set -- "$1" "$1"
    while [ ! -e "$2" ] && [ -n "$2" ]; do set -- "$1" "${2%/*}"; done
    [ -z "$2" ] || [ ! -d "$2" ] || [ -x "$2" ] || S=denied
  fi
  [ "$S" = denied ] && [ "$ME" != 0 ] && S=not_root
  return 1
}
# dir PATH: the same for a directory whose names can be listed.
dir() {
  if [ -d "$1" ]; then
    S=; [ -r "$1" ] && [ -x "$1" ] && return 0
    S=denied; [ "$ME" = 0 ] || S=not_root
    return 1
  fi
  look "$1/."
}
# What follows writes a plan for the reader below, a letter a line: r NAME BYTES begins a record,
# d TEXT is a line of it, s REASON says why there is none, c CODE is an exit status,
# g PATH REGEX takes from a file only the pieces that match, and h the same from its first line.
get() { if look "$1"; then printf 'g %s %s\n' "$1" "$2"; else printf 's %s\n' "$S"; fi; }
file() { printf 'r %s %s\n' "$1" "$2"; get "$3" "$4"; }

# Commands run under a time limit; the shell's own when timeout(1) is missing.
TMO=none
lim() {
  if [ "$TMO" = none ]; then
    if timeout -k 1 1 true; then TMO='timeout -k 1'
    elif timeout 1 true; then TMO=timeout
    elif timeout -t 1 true; then TMO='timeout -t'
    else TMO=; fi
  fi
  # shellcheck disable=SC2086
  if [ -n "$TMO" ]; then $TMO "$@"; return $?; fi
  _s=$1; shift; "$@" & _p=$!
  ( sleep "$_s"; kill -9 "$_p" ) </dev/null >/dev/null 3>&- 4>&- & _w=$!
  wait "$_p"; _r=$?; kill "$_w"; return "$_r"
}
# filter SECONDS FILTER COMMAND...: what the awk program FILTER leaves of a command's text, and C, its
# exit status. That travels on its own descriptor: the command's text cannot pose as one.
filter() {
  _l=$1 _f=$2; shift 2
  C=$( { { lim "$_l" "$@" </dev/null 3>&- 4>&-; printf '%s' "$?" >&3; } | awk "$_f" >&4; } 3>&1 ); C=${C:--1}
}
# run NAME BYTES SECONDS FILTER COMMAND...: the same as a record.
run() { printf 'r %s %s\n' "$1" "$2"; shift 2; filter "$@"; printf 'c %s\n' "$C"; }
# ask LABEL SECONDS FILTER COMMAND...: the same inside of a record, with the exit status as a line.
ask() { _n=$1; shift; filter "$@"; printf 'd %s.rc %s\n' "$_n" "$C"; }

# --- where products live; a path that came from a file is used only when it is harmless
HIDS=/var/ossec; HIDSINIT=; DSA=/opt/ds_agent; SPLX=/opt/TrendMicro/SProtectLinux; DIRS=
MDE=/opt/microsoft/mdatp; FALCON=/opt/CrowdStrike; SONE=/opt/sentinelone
PROGS=; NAMES=- # programs at their places, and names that only a product's processes should have
# real DIR: without symbolic links, as /proc shows programs in it.
real() { # runs in a subshell of its own
  cd -P -- "$1" && case $PWD in *[!A-Za-z0-9/._-]*) ;; *) printf %s "$PWD"; return;; esac
  printf %s "$1"
}
# place FILE: the same for a program.
place() {
  if [ -L "$1" ]; then readlink -f -- "$1"; else printf '%s/%s' "$(real "${1%/*}")" "${1##*/}"; fi
}
hids() { has ossec || has wazuh; }
if hids; then
  look /etc/ossec-init.conf; HIDSINIT=${S:-ok}
  if [ "$HIDSINIT" = ok ]; then
    while IFS= read -r l; do
      case $l in DIRECTORY=*) v=${l#DIRECTORY=}; v=${v#\"}; HIDS=${v%\"};; esac
    done </etc/ossec-init.conf
    case $HIDS in
      /*[!A-Za-z0-9/._-]*|*..*|/|[!/]*|'') HIDS=/var/ossec; HIDSINIT=unsafe_path;;
    esac
  fi
  HIDS=$(real "$HIDS"); DIRS="$DIRS $HIDS"; NAMES="$NAMES|(ossec|wazuh)-[a-z]+"
fi
if has deepsecurity; then DSA=$(real "$DSA"); DIRS="$DIRS $DSA"; NAMES="$NAMES|ds_a(gent|m)"; fi
if has serverprotect; then SPLX=$(real "$SPLX"); DIRS="$DIRS $SPLX"; NAMES="$NAMES|vsapiapp"; fi
if has mdatp; then MDE=$(real "$MDE"); DIRS="$DIRS $MDE"; NAMES="$NAMES|wdavdaemon"; fi
if has crowdstrike; then FALCON=$(real "$FALCON"); DIRS="$DIRS $FALCON"; NAMES="$NAMES|falcon(d|-sensor)"; fi
if has sentinelone; then SONE=$(real "$SONE"); DIRS="$DIRS $SONE"; fi
CLAMD=/usr/sbin/clamd; FRESH=/usr/bin/freshclam; CLAMSCAN=/usr/bin/clamscan; ONACC=/usr/sbin/clamonacc
if has clamav; then
  if [ ! -e $CLAMSCAN ] && [ -e /usr/local/bin/clamscan ]; then
    CLAMD=/usr/local/sbin/clamd; FRESH=/usr/local/bin/freshclam; CLAMSCAN=/usr/local/bin/clamscan; ONACC=/usr/local/sbin/clamonacc
  fi
  [ -e $ONACC ] || ONACC=/usr/bin/clamonacc
  CLAMD=$(place $CLAMD); FRESH=$(place $FRESH); ONACC=$(place $ONACC); PROGS="$PROGS $CLAMD $FRESH $ONACC"
fi
AUDITD=/usr/sbin/auditd; [ -e $AUDITD ] || AUDITD=/sbin/auditd
if has other && asked program; then for i in $A; do PROGS="$PROGS $(place "$i")"; done; fi
if has auditd; then AUDITD=$(place $AUDITD); PROGS="$PROGS $AUDITD"; fi

# --- one awk for sockets, their owners, products' processes, mounts and modules
scan() {
  set --
  for f in tcp tcp6 udp udp6; do
    has listeners && [ -r "/proc/net/$f" ] && set -- "$@" "/proc/net/$f"
  done
  has mounts && set -- "$@" /proc/self/mountinfo
  if [ -n "$DIRS" ] && [ -r /proc/modules ]; then set -- "$@" /proc/modules; fi
  q=; ls -q / >/dev/null && q=q
  p=
  if [ -n "$DIRS$PROGS" ] || has listeners; then p='/proc/[0-9]*/exe'; fi
  if has listeners; then p="$p /proc/[0-9]*/fd"; fi
  # An ls that shows control characters as "?" keeps a hostile link name on its own line.
  # shellcheck disable=SC2086
  { set +f; [ -z "$p" ] || ls -ln$q $p; } | awk -v dirs="$DIRS" -v progs="$PROGS" -v names="^($NAMES)[0-9]*\$" -v want="$WANT" '
    BEGIN{ k=split(dirs,dir," "); i=split(progs,a," ")
      for(;i;i--){ prog[a[i]]; sub(/^.*\//,"",a[i]); base[a[i]] } }
    FILENAME~/^\/proc\/net/{ t=substr(FILENAME,11)
      if((t~/tcp/&&$4=="0A")||(t~/udp/&&$4=="07")){ s[++n]=t " " $2 " " $8; ino[n]=$10; w[$10] }
      next }
    FILENAME=="/proc/self/mountinfo"{
      for(i=7;i<NF&&$i!="-";i++); f=$(i+1); c=$(i+2)
      if((c~/^\/dev\//&&f!="squashfs")||f~/^(btrfs|zfs|nfs4?|cifs|smb3|ceph|virtiofs|9p|fuse\.sshfs)$/||(f=="overlay"&&$5=="/"))
        m[++mn]="m " $3 " " $5 " " f " " c " " $6 " " $4
      next }
    FILENAME=="/proc/modules"{ if($1~/^(splxmod|dsa_filter|dsa_filter_hook|bmhook|tmhook|gsch|redirfs)$/) mod[++on]=$1 " " $5; next }
    /^\/proc\/[0-9]+\/fd:$/{ split($0,a,"/"); p=a[3]; next }
    !p&&match($0,/ \/proc\/[0-9]+\/exe -> /){ x=substr($0,RSTART+RLENGTH); split(substr($0,RSTART),a,"/")
      exe[a[3]]=x; for(i=1;i<=k;i++) if(index(x,dir[i] "/")==1) u[a[3]]
      sub(/ \(deleted\)$/,"",x); if(x in prog) u[a[3]]; sub(/^.*\//,"",x); if(x in base||x~names) call[a[3]]; next }
    p&&/ -> socket:\[[0-9]+\]$/{ i=substr($NF,9,length($NF)-9); if((i in w)&&(!(i in o)||p+0<o[i]+0)) o[i]=p }
    END{
      if(want~/,listeners,/){ print "r net 40000"
        for(i=1;i<=n;i++){ p=o[ino[i]]; if(p!="") u[p]; print "d " s[i] " " (p==""?"-":p) } }
      print "r exe 12000"; for(p in u) if(p in exe) print "x " p " " exe[p]
      i=0; for(p in call) if(!(p in u)&&i++<8) print "d " p " n " exe[p]
      if(k){ print "r mod 1000"; for(i=1;i<=on;i++) print "d " mod[i] }
      if(want~/,mounts,/){ print "r mnt 8000"; for(i=1;i<=mn;i++) print m[i] }
    }' "$@" - | {
    Q=''; POOL=''
    while read -r t a b; do
      case $t in
        x)
          # Same file or not is asked of the kernel: the link may show another namespace.
          if [ "/proc/$a/exe" -ef "$b" ]; then e='='
          else case $b in *' (deleted)') e=d;; *) e='!'; [ -d "/proc/$a" ] || continue;; esac; fi
          printf 'd %s %s %s\n' "$a" "$e" "$b";;
        m)
          printf 'd %s %s\n' "$a" "$b"
          case $a in 0:*) set -- $b; [ "$2" = btrfs ] && pool "$a" "$3";; *) Q="$Q $a";; esac;;
        *) printf '%s %s %s\n' "$t" "$a" "$b";;
      esac
    done
    has mounts && walk
  }
}

# pool DEV SOURCE: the devices of the btrfs file system that SOURCE belongs to.
pool() {
  l=; set +f
  for f in /sys/fs/btrfs/*/devices/*; do
    [ "/dev/${f##*/}" -ef "$2" ] || continue
    for s in "${f%/*}"/*; do read -r v <"$s/dev" && { l="$l $v"; Q="$Q $v"; }; done
    break
  done
  set -f; POOL="$POOL
d $1 pool$l"
}
# walk: below the mounts' devices, what each one is and what it lies on, down to the disks.
walk() {
  printf 'r blk 6000%s\n' "$POOL"
  seen=' '; i=0
  # shellcheck disable=SC2086
  set -- $Q
  while [ $# -gt 0 ] && [ "$i" -lt 200 ]; do
    d=$1; shift; i=$((i+1))
    case $seen in *" $d "*) continue;; esac
    seen="$seen$d "; b=/sys/dev/block/$d; k=disk; l=
    if [ ! -d "$b" ]; then k=none
    elif [ -e "$b/dm" ]; then
      k=dm; read -r v <"$b/dm/uuid" && case $v in
        CRYPT-*-*) v=${v#CRYPT-}; k=CRYPT-${v%%-*};;
        *-*) k=${v%%-*};;
      esac
      case $k in *[!A-Za-z0-9_-]*) k=dm;; esac
    elif [ -d "$b/loop" ]; then k=loop
    elif [ -d "$b/md" ]; then k=md
    elif [ -e "$b/partition" ]; then
      k=part; read -r v <"$b/../dev" && { l=" $v"; set -- "$@" "$v"; }
    fi
    set +f
    for s in "$b"/slaves/*; do read -r v <"$s/dev" && { l="$l $v"; set -- "$@" "$v"; }; done
    set -f
    printf 'd %s %s%s\n' "$d" "$k" "$l"
  done
  [ $# -eq 0 ] || printf 'x -\n'
}

# --- host firewall
service() { # NAME: systemd says that it has a process; only root can write there
  for f in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
    read -r v <"$f/system.slice/$1.service/cgroup.procs" && return 0
  done
  return 1
}
NFT='$1=="table"{t=$2 " " $3; print "d table " t; next}
  $1=="chain"{c=t " " $2; k=0; h=0; next}
  $1=="type"&&/ hook /{ if(/ hook input /){h=1; print "d chain " c; print "d " $0} next}
  $1=="}"{ if(h&&k>40) print "d more " (k-40) "\nd " last; c=""; h=0; next}
  c!=""{n++; if(h){ if(++k<=40) print "d " $0; else last=$0 } }
  END{print "d rules " n+0}'
IPT='/^\*/{t=$0; next} t!="*filter"{ if(/^-A /) n++; next}
  /^:INPUT /{print "d " $0} /^-A /{n++} /^-A INPUT /{ if(++k<=40) print "d " $0; else last=$0 }
  END{ if(k>40) print "d more " (k-40) "\nd " last; print "d rules " n+0}'
firewall() {
  file ufw 200 /etc/ufw/ufw.conf '^ENABLED=.*'
  printf 'r firewalld 200\n'
  if service firewalld; then
    printf 'd running\n'; get /etc/firewalld/firewalld.conf '^DefaultZone=.*'
  elif [ -e /usr/sbin/firewalld ]; then printf 'd stopped\n'
  else printf 's absent\n'; fi
  if [ "$ME" != 0 ]; then printf 'r nft 0\ns not_root\nr ipt 0\ns not_root\n'; return; fi
  # A tool that had to load kernel modules to answer is not asked: there are no rules then.
  mod=yes
  if [ ! -d /sys/module/nf_tables ]; then
    f=/lib/modules/$(uname -r)
    [ -r "$f/modules.builtin" ] && [ -r /proc/modules ] && ! grep -q '/nf_tables\.ko' "$f/modules.builtin" && mod=no
  fi
  if [ "$mod" = no ]; then printf 'r nft 0\ns unloaded\n'
  elif command -v nft >/dev/null; then run nft 6000 5 "$NFT" nft -s list ruleset
  else printf 'r nft 0\ns no_tool\n'; fi
  for f in ip ip6; do
    if [ ! -s "/proc/net/${f}_tables_names" ] && ! read -r v <"/proc/net/${f}_tables_names"; then
      printf 'r %st 0\ns unloaded\n' "$f"
    elif command -v "${f}tables-legacy-save" >/dev/null; then run "${f}t" 4000 5 "$IPT" "${f}tables-legacy-save"
    elif command -v "${f}tables-save" >/dev/null; then run "${f}t" 4000 5 "$IPT" "${f}tables-save"
    else printf 'r %st 0\ns no_tool\n' "$f"; fi
  done
}

# --- products
mtimes() { # NAME FILES...: when each was last written, UTC
  printf 'r %s 3000\n' "$1"; shift
  stat -c 'd %Y %n' -- "$@" || command -v stat >/dev/null || printf 's no_tool\n'
}
# names LABEL DIR PATTERN...: the names that match, in one line. A name with other than plain
# characters could pose as a line of the plan; it is left out.
names() {
  _n=$1 _d=$2 _o=; shift 2
  for p in "$@"; do
    set +f
    for f in "$_d"/$p; do f=${f##*/}; case $f in *[!A-Za-z0-9._-]*) ;; *) _o="$_o $f";; esac; done
    set -f
  done
  printf 'd %s%s\n' "$_n" "$_o"
}
hidsprobe() {
  dir "$HIDS"; printf 'r hids 3000\nd init %s\nd dir %s %s\n' "$HIDSINIT" "${S:-ok}" "$HIDS"
  if [ -z "$S" ]; then
    dir "$HIDS/bin"; printf 'd bindir %s\n' "${S:-ok}"
    names bin "$HIDS/bin" 'ossec-*' 'wazuh-*' 'client-*'
    # A hybrid is a server with an agent's tree of its own below it.
    AG=$HIDS
    if [ -d "$HIDS/ossec-agent/bin" ]; then AG=$HIDS/ossec-agent; names agentbin "$AG/bin" 'ossec-*' 'client-*'; fi
    names pid "$HIDS/var/run" '*.pid'
    # A live process whose program cannot be seen is not a stopped one.
    set +f
    for f in "$HIDS"/var/run/*-*.pid; do
      p=${f##*-}; p=${p%.pid}; case $p in *[!0-9]*|'') continue;; esac
      [ -d "/proc/$p" ] && [ ! -e "/proc/$p/exe" ] && printf 'd hidden %s\n' "$p"
    done
    set -f
    if [ -e "$AG/queue/ossec/.wait" ]; then printf 'd wait\n'; fi
    if look "$AG/etc/client.keys"; then printf 'd keys %s\n' "$(grep -c '^[0-9]' "$AG/etc/client.keys")"
    else printf 'd keys %s\n' "$S"; fi
  fi
  if [ "$HIDSINIT" = ok ]; then file hids.init 600 /etc/ossec-init.conf '^(DIRECTORY|NAME|VERSION|REVISION|DATE|TYPE)=.*'; fi
  [ -d "$HIDS/bin" ] || return 0
  f='<(email_notification|server-ip|server-hostname|address|disabled|frequency)>[^<]*<|</?(syscheck|rootcheck|active-response)>|<!--|-->'
  file hids.conf 4000 "$HIDS/etc/ossec.conf" "$f"
  if [ -e "$HIDS/etc/shared/agent.conf" ]; then file hids.shared 1500 "$HIDS/etc/shared/agent.conf" "$f"; fi
  for f in wazuh ossec; do
    [ -e "$HIDS/bin/$f-agentd" ] || continue
    [ -e "$HIDS/bin/wazuh-modulesd" ] || break
    file hids.state 600 "$HIDS/var/run/$f-agentd.state" '^(status|last_keepalive|last_ack)=.*'
    mtimes hids.time "$HIDS/var/run/$f-agentd.state"
    break
  done
  if [ -e "$HIDS/bin/wazuh-control" ]; then
    file hids.version 400 "$HIDS/VERSION.json" '"(version|stage)" *: *"[^"]*"'
    file hids.control 400 "$HIDS/bin/wazuh-control" '^(VERSION|REVISION|TYPE)="[^"]*"'
  fi
  set -- "$HIDS/logs/ossec.log"; [ "$AG" = "$HIDS" ] || set -- "$@" "$AG/logs/ossec.log"
  if look "$1"; then
    run hids.log 3000 5 '
      /\(4102\)/{k="connected"} /Server unavailable/{k="lost"} /Server responded/{k="back"} /\((1216|4101)\)/{k="waiting"} /\(1751\)/{k="nokeys"}
      /Ending syscheck scan|\(6009\)/{k="syscheck"} /Ending rootcheck scan/{k="rootcheck"} /Active response disabled/{k="noresponse"}
      k!=""{v[k]=substr($0,1,200); at[k]=NR; k=""}
      END{for(k in v) print "d " k " " at[k] " " v[k]}' tail -q -c 262144 "$@"
  else printf 'r hids.log 0\ns %s\n' "$S"; fi
  file hids.scan 400 "$HIDS/queue/rootcheck/rootcheck" '^![0-9]*![0-9]* Ending (syscheck|rootcheck) scan'
}
# safe FILE: a regular file that nobody but root could have put or changed there.
safe() {
  [ -f "$1" ] && [ ! -L "$1" ] && [ -x "$1" ] || return 1
  _p=$1; set --
  while [ -n "$_p" ]; do set -- "$@" "$_p"; _p=${_p%/*}; done
  # shellcheck disable=SC2012
  ls -lnd -- / "$@" | awk '$1~/^l/||$3!="0"||substr($1,6,1)=="w"||substr($1,9,1)=="w"{b=1} END{exit b||NR<2}'
}
DSQ='match($0,/^(AgentStatus\.(agentState|auStatus|currentTime|lastAgentToManagerSession|driverHooked|driverChecked|dsmUrl)|PluginVersion\.core|Component\.(AM|FWDPI|IM|LI|WRS|AC|SAP)\.(mode|driverOffline|licenseExpiry|firewallMode|driverState|rules|dpiRules|firewallRules|cap\.realtime|scan\.Realtime)|Component\.AM\.version\.[A-Za-z0-9.]*|Component\.CORE\.version): /){print "d " substr($0,1,160)}'
dsaprobe() {
  dir "$DSA"; printf 'r dsa 400\nd dir %s %s\n' "${S:-ok}" "$DSA"
  [ -z "$S" ] || return 0
  if [ -e "$DSA/ds_agent" ]; then printf 'd bin ds_agent\n'; fi
  if [ ! -e "$DSA/dsa_query" ]; then printf 'd query absent\n'; return 0; fi
  if [ "$ME" != 0 ]; then printf 'd query not_root\n'; return 0; fi
  if ! safe "$DSA/dsa_query"; then printf 'd query unsafe_path\n'; return 0; fi
  printf 'd query ok\n'
  run dsa.status 1500 8 "$DSQ" "$DSA/dsa_query" -c GetAgentStatus
  run dsa.component 5000 8 "$DSQ" "$DSA/dsa_query" -c GetComponentInfo
  run dsa.plugin 600 8 "$DSQ" "$DSA/dsa_query" -c GetPluginVersion
}
splxprobe() {
  dir "$SPLX"; printf 'r splx 600\nd dir %s %s\n' "${S:-ok}" "$SPLX"
  [ -z "$S" ] || return 0
  names bin "$SPLX/SPLX.vsapiapp" vsapiapp entity splxmain
  file splx.conf 900 "$SPLX/tmsplx.xml" '<P +Name="(EngineVersion|PatternVersion|SpywarePatternVersion|RealtimeScan|ProductVersion)" +Value="[^"]*"'
  set +f
  n=; for f in /var/log/TrendMicro/SProtectLinux/Scan.*; do
    case $f in *[!A-Za-z0-9/._-]*) ;; *) [ -f "$f" ] && n=$f;; esac
  done
  set -- "$SPLX"/lpt\$vpn.* "$SPLX"/*/lpt\$vpn.* "$SPLX"/tmsplx.xml
  set -f
  if [ -n "$n" ]; then file splx.scan 600 "$n" '^(start_time|end_time|TIMEZONE_DIFFERENCE|PRODUCT_VERSION)=.*'; fi
  mtimes splx.time "$@"
}

# What follows puts a product into one record: lines "bin PATH" for its programs, "left PATH" for what an
# uninstall leaves, "shut REASON" where nobody may look, and more that its own parser knows.
# progs FILES...: which are there; fails when none is.
progs() {
  _o=1
  for f in "$@"; do
    look "$f"
    if [ -f "$f" ]; then printf 'd bin %s\n' "$f"; _o=0
    elif [ "$S" != absent ]; then printf 'd shut %s\n' "$S"; fi
  done
  return $_o
}
left() { for f in "$@"; do [ -e "$f" ] && printf 'd left %s\n' "$f"; done; }
# part LABEL FILE REGEX [h]: whether a file of settings can be read, and the pieces that match.
part() { look "$2"; printf 'd %s %s %s\n' "$1" "${S:-ok}" "$2"; [ -n "$S" ] || printf '%s %s %s\n' "${4:-g}" "$2" "$3"; }
stamps() { stat -c 'd time %Y %n' -- "$@" || command -v stat >/dev/null || printf 'd time no_tool\n'; }
# tool FILE: T is a query tool that only root could have put there, followed to where it lies.
tool() {
  T=$(readlink -f -- "$1") || T=$1
  case $T in *[!A-Za-z0-9/._-]*) ;; *) if safe "$T"; then printf 'd cli ok\n'; return 0; fi;; esac
  if [ -e "$1" ]; then printf 'd cli unsafe_path\n'; else printf 'd cli absent\n'; fi
  return 1
}
roottool() { if [ "$ME" = 0 ]; then tool "$1"; else printf 'd cli not_root\n'; return 1; fi; }
# unit NAME: its file (also in f), whether systemd starts it by itself, and who runs in it. Only root writes there.
unit() {
  for f in /etc /run /usr/local/lib /usr/lib /lib; do
    f=$f/systemd/system/$1
    if [ -e "$f" ] && [ "$f" -ef /dev/null ]; then printf 'd unit %s masked\n' "$1"; break; fi
    if [ -f "$f" ]; then printf 'd unit %s %s\n' "$1" "$f"; break; fi
    f=
  done
  [ -n "$f" ] || return 0
  set +f
  for v in /etc/systemd/system/*.wants/"$1" /usr/lib/systemd/system/*.wants/"$1" /lib/systemd/system/*.wants/"$1"; do
    if [ -e "$v" ]; then printf 'd boot %s\n' "$1"; break; fi
  done
  _o=
  for p in /sys/fs/cgroup/*.slice/"$1" /sys/fs/cgroup/*.slice/*.slice/"$1" /sys/fs/cgroup/systemd/*.slice/"$1"; do
    [ -r "$p/cgroup.procs" ] || continue
    while read -r v; do _o="$_o $v"; done <"$p/cgroup.procs"
    while read -r v; do [ "$v" = 'populated 1' ] && _o="$_o +"; done <"$p/cgroup.events"
  done
  set -f
  if [ -d /run/systemd/system ]; then printf 'd procs %s%s\n' "$1" "$_o"; else printf 'd procs %s no_systemd\n' "$1"; fi
}
# package NAME: what the package manager's own records say of it.
package() {
  if [ -r /var/lib/dpkg/status ]; then
    awk -v p="$1" '$1=="Package:"{ if(n) exit; n=$2==p } n&&$1=="Status:"{s=$NF} n&&$1=="Version:"{v=$2}
      END{print "d package " p " " (s==""?"absent":s " " v)}' /var/lib/dpkg/status
  elif [ -r /lib/apk/db/installed ]; then
    awk -v p="$1" '$0=="P:" p{n=1} /^V:/{v=substr($0,3)} /^$/{ if(n) exit; v="" }
      END{print "d package " p " " (n?"installed " v:"absent")}' /lib/apk/db/installed
  elif [ -e /var/lib/rpm ] || [ -e /usr/lib/sysimage/rpm ]; then
    filter 5 '{print "d package '"$1"' installed " $1}' rpm -q --qf '%{VERSION}-%{RELEASE}\n' -- "$1"
    case $C in 0) ;; 1) printf 'd package %s absent\n' "$1";; 127) printf 'd package %s no_tool\n' "$1";; *) printf 'd package %s failed\n' "$1";; esac
  else printf 'd package %s no_tool\n' "$1"; fi
}
clamavprobe() {
  printf 'r clamav 1500\nd places %s %s %s\n' "$CLAMD" "$FRESH" "$ONACC"
  if ! progs "$CLAMD" "$FRESH" "$CLAMSCAN" "$ONACC"; then left /etc/clamav /etc/clamd.d /var/lib/clamav; return 0; fi
  unit clamav-daemon.service; unit clamav-daemon.socket; unit clamav-freshclam.service; unit clamd@scan.service
  v=/var/lib/clamav; [ -d $v ] || v=/usr/local/share/clamav
  for f in /etc/clamav/clamd.conf /etc/clamd.d/scan.conf /etc/clamd.conf /usr/local/etc/clamd.conf; do
    [ -e $f ] || continue
    part conf $f '^(Example|DatabaseDirectory .*|(ScanOnAccess|OnAccessPrevention) [a-zA-Z0-9]*|OnAccess(IncludePath|MountPath))'
    while read -r a b; do [ "$a" = DatabaseDirectory ] && v=$b; done <$f
    break
  done
  dir "$v"
  case $v in *[!A-Za-z0-9/._-]*) S=unsafe_path;; esac
  printf 'd dir %s %s\n' "${S:-ok}" "$v"
  [ -n "$S" ] || for f in daily main; do for a in cld cvd cud; do
    [ -f "$v/$f.$a" ] && part db "$v/$f.$a" '^ClamAV-VDB:[0-9A-Za-z +-]*:[0-9]*:[0-9]*:[0-9]*' h
  done; done
  for f in "$CLAMSCAN" "$FRESH" "$CLAMD"; do [ -f "$f" ] && break; done
  tool "$f" && ask version 5 'NR==1{print "d version " substr($0,1,80)}' "$T" --version
  for f in /var/log/clamav/freshclam.log /var/log/freshclam.log; do
    if look $f; then
      ask log 3 '/daily\.c[lvu]d (database is up-to-date|is up to date|updated) \(version: /{l=$0} END{if(l!="")print "d log " substr(l,1,120)}' tail -c 65536 $f
      return 0
    fi
  done
  printf 'd log.rc %s\n' "$S"
}
mdatpprobe() {
  printf 'r mdatp 3000\nd dir %s\n' "$MDE"
  if ! progs "$MDE/sbin/wdavdaemon"; then left "$MDE" /etc/opt/microsoft/mdatp; return 0; fi
  unit mdatp.service
  roottool "$MDE/sbin/wdavdaemonclient" && ask health 10 '{s=s $0}
    END{while(match(s,/"(appVersion|engineVersion|definitionsVersion|definitionsUpdated|definitionsStatus|healthy|healthIssues|licensed|passiveModeEnabled|realTimeProtectionEnabled|realTimeProtectionAvailable|productExpiration)" *: *(\{[^{}]*\}|\[[^]]*\]|"[^"]*"|[a-z0-9]+)/)){
      v=substr(s,RSTART,RLENGTH); s=substr(s,RSTART+RLENGTH)
      if(length(v)<=300) print "d health " v
    } }' "$T" health --output json
}
falconprobe() {
  printf 'r crowdstrike 1200\nd dir %s\n' "$FALCON"
  if ! progs "$FALCON/falcond" "$FALCON/falconctl"; then left "$FALCON"; return 0; fi
  unit falcon-sensor.service
  roottool "$FALCON/falconctl" || return 0
  for w in version aid rfm-state rfm-reason; do
    ask $w 5 '{sub(/aid *= *"?[0-9a-f]+/,"aid=set"); l=l $0} END{print "d answer " substr(l,1,120)}' "$T" -g "--$w"
  done
}
sentinelprobe() {
  printf 'r sentinelone 1500\nd dir %s\n' "$SONE"
  if ! progs "$SONE/bin/sentinelctl"; then left "$SONE"; return 0; fi
  unit sentinelone.service
  roottool "$SONE/bin/sentinelctl" || return 0
  for w in version 'control status' 'engines status' 'management status'; do
    # shellcheck disable=SC2086
    ask "${w%% *}" 5 '/^ *(Agent version|Agent state|DFI library version|DFI engine|Anti Tamper|Connectivity|Disabled)( *:|  )/{print "d answer " substr($0,1,100)}' "$T" $w
  done
}
guarddutyprobe() {
  printf 'r guardduty 800\n'
  unit amazon-guardduty-agent.service; package amazon-guardduty-agent; left /var/log/amzn-guardduty-agent
}
aideprobe() {
  printf 'r aide 1500\n'
  if ! progs /usr/bin/aide /usr/sbin/aide; then left /etc/aide /etc/aide.conf /var/lib/aide; return 0; fi
  f=/usr/bin/aide; [ -e $f ] || f=/usr/sbin/aide
  tool $f && ask version 5 '/[0-9]/&&!n++{print "d version " substr($0,1,60)}' sh -c '"$0" --version 2>&1' "$T"
  f=/etc/aide/aide.conf; [ -e $f ] || f=/etc/aide.conf
  part conf $f '^(@@define +DBDIR +[^ ]*|database(_in)? *= *[^ ]*)'
  dir /var/lib/aide; printf 'd dir %s\n' "${S:-ok}"
  for f in dailyaidecheck.timer aidecheck.timer aide-check.timer aide.timer; do unit $f; done
  for f in /etc/cron.daily/dailyaidecheck /etc/cron.daily/aide /etc/cron.d/aide; do [ -f $f ] && printf 'd cron %s\n' $f; done
  stamps /var/lib/aide/aide.db /var/lib/aide/aide.db.gz /var/lib/aide/aide.db.new /var/lib/aide/aide.db.new.gz /var/log/aide/aide.log
}
auditdprobe() {
  printf 'r auditd 1500\nd places %s\n' "$AUDITD"
  if ! progs "$AUDITD"; then left /etc/audit/auditd.conf; return 0; fi
  unit auditd.service
  part conf /etc/audit/auditd.conf '^(log_file|write_logs|log_format|space_left_action|admin_space_left_action|disk_full_action|disk_error_action) *= *[^ ]*'
  stamps /var/log/audit/audit.log
  roottool "${AUDITD%/*}/auditctl" || return 0
  ask status 3 '/^(enabled|failure|pid|lost|backlog|backlog_limit) [0-9]+$/{print "d status " $0}' "$T" -s
  ask rules 3 '/^-/{n++} /^No rules/{z=1} END{if(n||z)print "d rules " n+0}' "$T" -l
  ask version 3 'NR==1{print "d version " substr($0,1,60)}' "$T" -v
}
# What a policy names itself: units, programs and packages of products that are not in the catalogue.
otherprobe() {
  printf 'r other 6000\n'
  asked program; for i in $A; do
    look "$i"; if [ -f "$i" ]; then S=bin; elif [ -z "$S" ]; then S=not_file; fi
    printf 'd program %s %s %s\n' "$i" "$S" "$(place "$i")"
  done
  asked unit; for i in $A; do
    printf 'd asked %s\n' "$i"; unit "$i"
    [ -n "$f" ] && [ ! "$f" -ef /dev/null ] && grep -q '^Type=oneshot' "$f" && printf 'd oneshot %s\n' "$i"
  done
  asked package; for i in $A; do package "$i"; done
}

plan() {
  exec 4>&1
  if has os; then
    printf 'r sys 400\nd uname %s\n' "$(uname -rm)"
    get /proc/sys/kernel/random/boot_id '^[0-9a-f-]*'; get /proc/stat '^btime [0-9]*'
    f=/etc/os-release; [ -e "$f" ] || f=/usr/lib/os-release
    file os 1000 "$f" '^(ID|VERSION_ID|PRETTY_NAME)=.*'
  fi
  scan
  hids && hidsprobe
  has deepsecurity && dsaprobe
  has serverprotect && splxprobe
  has clamav && clamavprobe
  has mdatp && mdatpprobe
  has crowdstrike && falconprobe
  has sentinelone && sentinelprobe
  has guardduty && guarddutyprobe
  has aide && aideprobe
  has auditd && auditdprobe
  has other && otherprobe
  has firewall && firewall
}

# --- the reader: the plan becomes JSON; records beyond the budget are left out, the last ones first
json() {
  awk -v budget="$1" -v head="$2" '
    function esc(s){ gsub(/[^\t -~]/,"?",s); gsub(/\\/,"&&",s); gsub(/"/,"\\\\&",s); gsub(/\t/,"\\t",s); return s }
    function add(s){ s=esc(s); if(length(text)+length(s)>max){ cut=1; return } text=text (text==""?"":"\\n") s }
    function end( r){ if(name=="") return
      r="{\"n\":\"" name "\",\"t\":\"" text "\"" (why==""?"":",\"s\":\"" why "\"") (rc==""?"":",\"rc\":" rc) (cut?",\"cut\":true":"") "}"
      if(total+length(r)>budget){ r="{\"n\":\"" name "\",\"s\":\"budget\"}"; lost=1 }
      total+=length(r); out=out (out==""?"":",") r }
    function take(f,re,most, l,s,a,n){ while(n<most&&(getline l<f)>0){ n++; a=substr(re,1,1)=="^"
        while(match(l,re)&&RLENGTH>0){ add(substr(l,RSTART,RLENGTH)); if(a||cut) break; l=substr(l,RSTART+RLENGTH) }
        if(cut) break }
      close(f) }
    { k=$1; v=substr($0,3) }
    k=="r"{ end(); name=$2; max=$3+0; text=""; why=""; rc=""; cut=0; next }
    k=="d"{ add(v); next }
    k=="s"{ why=v; next }
    k=="x"{ cut=1; next }
    k=="c"{ rc=v+0; next }
    k=="g"||k=="h"{ f=$2; take(f,substr(v,length(f)+2),k=="g"?20000:1); next }
    END{ end(); printf "{%s,\"r\":[%s]}",head,out; exit lost }'
}
PLAN=$(plan)
HEAD="\"v\":1,\"nonce\":\"$NONCE\",\"probe\":\"linux-sh/1.0.0\",\"want\":\"$WANT\",\"at\":\"$START\",\"uid\":$ME,\"end\":$(date +%s)"
for BUDGET in 90000 45000 16000; do
  if JSON=$(printf '%s\n' "$PLAN" | json "$BUDGET" "$HEAD"); then STATE=OK; else STATE=CUT; fi
  LINE=$(printf '%s' "$JSON" | gzip -9c | base64 | tr -d '\n')
  [ "${#LINE}" -gt 23000 ] || break
done
[ -n "$LINE" ] && printf 'KWE1 %s %s %s\n' "${#LINE}" "$STATE" "$LINE"
exit 0
