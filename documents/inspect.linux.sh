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
  has mounts && { set -- "$@" /proc/self/mountinfo; asked mount; }
  if [ -n "$DIRS" ] && [ -r /proc/modules ]; then set -- "$@" /proc/modules; fi
  q=; ls -q / >/dev/null && q=q
  p=
  if [ -n "$DIRS$PROGS" ] || has listeners; then p='/proc/[0-9]*/exe'; fi
  if has listeners; then p="$p /proc/[0-9]*/fd"; fi
  # An ls that shows control characters as "?" keeps a hostile link name on its own line.
  # shellcheck disable=SC2086
  { set +f; [ -z "$p" ] || ls -ln$q $p; } | awk -v dirs="$DIRS" -v progs="$PROGS" -v names="^($NAMES)[0-9]*\$" -v want="$WANT" -v at="$A" '
    BEGIN{ k=split(dirs,dir," "); ak=split(at,ask," "); i=split(progs,a," ")
      for(;i;i--){ prog[a[i]]; sub(/^.*\//,"",a[i]); base[a[i]] } }
    FILENAME~/^\/proc\/net/{ t=substr(FILENAME,11)
      if((t~/tcp/&&$4=="0A")||(t~/udp/&&$4=="07")){ s[++n]=t " " $2 " " $8; ino[n]=$10; w[$10] }
      next }
    FILENAME=="/proc/self/mountinfo"{
      for(i=7;i<NF&&$i!="-";i++); f=$(i+1); c=$(i+2)
      y=(c~/^\/dev\//&&f!="squashfs")||f~/^(btrfs|zfs|nfs4?|cifs|smb3|ceph|virtiofs|9p|fuse\.sshfs)$/||(f=="overlay"&&$5=="/")
      # Whatever holds a place that was asked for, too: a tmpfs on /tmp.
      for(i=1;i<=ak&&!y;i++) y=$5=="/"||ask[i]==$5||index(ask[i],$5 "/")==1
      if(y) m[++mn]="m " $3 " " $5 " " f " " c " " $6 " " $4
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
  for p in /sys/fs/cgroup/*.slice/"$1" /sys/fs/cgroup/*.slice/*.slice/"$1" /sys/fs/cgroup/*.slice/*.slice/*.slice/"$1" \
    /sys/fs/cgroup/systemd/*.slice/"$1" /sys/fs/cgroup/systemd/*.slice/*.slice/"$1"; do
    [ -r "$p/cgroup.procs" ] || continue
    while read -r v; do _o="$_o $v"; done <"$p/cgroup.procs"
    while read -r v; do [ "$v" = 'populated 1' ] && _o="$_o +"; done <"$p/cgroup.events"
  done
  set -f
  # Without its control groups a unit that runs looks like one that does not.
  if [ -d /run/systemd/system ] && { [ -d /sys/fs/cgroup/system.slice ] || [ -d /sys/fs/cgroup/systemd/system.slice ]; }; then printf 'd procs %s%s\n' "$1" "$_o"; else printf 'd procs %s no_systemd\n' "$1"; fi
}
# stanzas FILE NAMES: what the records of dpkg or apk say of packages, "d package NAME STATE VERSION ARCH", and how many are installed.
stanzas() {
  awk -v want="$2" 'BEGIN{n=split(want,w," "); for(i=1;i<=n;i++) W[w[i]]}
    function end(){ if(p!=""){ if(s=="installed") c++; if(p in W){ seen[p]; print "d package " p " " s " " v " " a } } p=s=v=a="" }
    /^Package: /{p=$2} /^Status: /{s=$NF} /^Version: /{v=$2} /^Architecture: /{a=$2}
    /^P:/{p=substr($0,3); s="installed"} /^V:/{v=substr($0,3)} /^A:/{a=substr($0,3)} /^$/{end()}
    END{end(); for(p in W) if(!(p in seen)) print "d package " p " absent"; print "d count " c+0}' "$1"
}
# packages NAMES: what the package manager's own records say of them.
packages() {
  if [ -r /var/lib/dpkg/status ]; then stanzas /var/lib/dpkg/status "$1"; return; fi
  if [ -r /lib/apk/db/installed ]; then stanzas /lib/apk/db/installed "$1"; return; fi
  for i in $1; do
    if [ -e /var/lib/rpm ] || [ -e /usr/lib/sysimage/rpm ]; then
      filter 5 '{print "d package '"$i"' installed " $1}' rpm -q --qf '%{VERSION}-%{RELEASE}\n' -- "$i"
      case $C in 0) ;; 1) printf 'd package %s absent\n' "$i";; 127) printf 'd package %s no_tool\n' "$i";; *) printf 'd package %s failed\n' "$i";; esac
    else printf 'd package %s no_tool\n' "$i"; fi
  done
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
  unit amazon-guardduty-agent.service; packages amazon-guardduty-agent; left /var/log/amzn-guardduty-agent
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
  asked package && packages "$A"
  return 0
}

# --- system facts that rules ask for
# val LABEL FILE: the first line of a file of the kernel's, or !REASON; no process is started.
val() {
  if look "$2"; then v=; IFS= read -r v <"$2"; printf 'd %s %s\n' "$1" "$v"; else printf 'd %s !%s\n' "$1" "$S"; fi
}
fact_reboot() {
  printf 'r reboot 3000\n'
  for f in /run/reboot-required /run/reboot-needed /var/run/reboot-required; do
    if [ -e "$f" ]; then printf 'd marker %s\n' "$f"; break; fi
  done
  # Only where one of these is installed does the lack of the marker say anything.
  if [ -e /usr/share/update-notifier/notify-reboot-required ] || [ -e /usr/bin/unattended-upgrade ]; then printf 'd notifier\n'; fi
  names boot /boot 'vmlinuz-*'
  if [ -e /run/reboot-required.pkgs ]; then file reboot.why 600 /run/reboot-required.pkgs '^[A-Za-z0-9.+-]*'; fi
}
APT='/^Inst /{n++; if(/[sS]ecurity/){s++; if(s<=40) print "d name " $2 } } END{print "d pending " n+0 "\nd security " s+0}'
fact_updates() {
  if [ -f /var/lib/dpkg/status ] && command -v apt-get >/dev/null; then
    # Simulated, without lock, and with no cache or log kept: nothing is written.
    run updates 3000 12 "$APT" apt-get -s -qq -o Debug::NoLocking=1 -o Dir::Log::Planner=/dev/null -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= dist-upgrade
    set +f; set -- /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists/*Release; set -f
    mtimes updates.time "$@"
  else printf 'r updates 0\ns no_source\n'; fi
}
fact_mac() {
  printf 'r mac 1500\n'
  val selinux /sys/fs/selinux/enforce
  val apparmor /sys/module/apparmor/parameters/enabled
  val lockdown /sys/kernel/security/lockdown
  val lsm /sys/kernel/security/lsm
  f=/sys/kernel/security/apparmor/profiles
  if look "$f"; then printf 'd enforced %s\nd complaining %s\n' "$(grep -c '(enforce)$' "$f")" "$(grep -c '(complain)$' "$f")"
  else printf 'd enforced !%s\n' "$S"; fi
  if [ -f /etc/selinux/config ]; then get /etc/selinux/config '^SELINUX=[a-z]*'; fi
}
fact_accounts() {
  printf 'r acc 3000\n'
  if look /etc/passwd; then awk -F: '/^[+-]/{print "d nss"; next} NF<2{next} $3~/^[ \t+-]*0+$/{print "d uid0 " $1}
    $2==""{print "d empty " $1} $7!~/(nologin|false|sync|shutdown|halt)$/{n++} NR>50000{print "x -"; exit} END{print "d login " n+0}' /etc/passwd
  else printf 's %s\n' "$S"; fi
  # Names alone leave the machine, and only of accounts without any password.
  printf 'r acc.shadow 2000\n'
  if look /etc/shadow; then awk -F: 'NF>1&&$2==""{print "d empty " $1} NR>50000{print "x -"; exit} END{print "d lines " NR}' /etc/shadow
  else printf 's %s\n' "$S"; fi
}
SSHD='{ gsub(/^[ \t]+|[ \t\r]+$/,""); if($0==""||/^#/) next
  match($0,/^[A-Za-z0-9]+/); k=tolower(substr($0,1,RLENGTH)); v=substr($0,RLENGTH+1); sub(/^[ \t]*=?[ \t]*/,"",v)
  if(k=="include"){ gsub(/"/,"",v); print "i " v }
  else if(k=="match"||k~/^(permit|password|pubkey|kbd|challenge|hostbased|ignore|strict|x11|allowtcp|allowagent|gateway|max|client|logingrace|usepam|loglevel|port$)/) print "d " k " " v }'
sshconf() { # FILE DEPTH: the settings in their order, what is included in its place
  if ! look "$1"; then printf 'd !%s\n' "$S"; return; fi
  if [ "$2" -gt 4 ]; then printf 'x -\n'; return; fi
  awk "$SSHD" "$1" | while read -r t v; do
    if [ "$t" != i ]; then printf '%s %s\n' "$t" "$v"; continue; fi
    for p in $v; do
      case $p in
        *[!A-Za-z0-9/._*?-]*) printf 'd !unsafe_path\n'; continue;;
        /*) ;;
        *) p=/etc/ssh/$p;;
      esac
      n=0; set +f
      for f in $p; do
        if [ -e "$f" ]; then
          n=$((n+1)); if [ "$n" -gt 50 ]; then printf 'x -\n'; break; fi
          ( set -f; sshconf "$f" $(($2+1)) )
        fi
      done
      set -f
    done
  done
}
fact_sshd() {
  printf 'r sshd 6000\n'
  if [ -e /usr/sbin/sshd ]; then printf 'd present\n'; else printf 'd absent\n'; return; fi
  f=/etc/ssh/sshd_config; [ -e "$f" ] || [ ! -e /usr/etc/ssh/sshd_config ] || f=/usr/etc/ssh/sshd_config
  sshconf "$f" 1
  # Options of the service win over the file.
  for f in /etc/default/ssh /etc/sysconfig/sshd; do if [ -f "$f" ]; then get "$f" '^(SSHD_OPTS|OPTIONS)=.*'; fi; done
}
fact_time() {
  printf 'r time 1500\n'
  if [ -d /run/systemd/system ]; then printf 'd systemd\n'; fi
  for s in chrony chronyd systemd-timesyncd ntp ntpd ntpsec openntpd; do
    if service "$s"; then printf 'd up %s\n' "$s"; fi
  done
  # What a daemon writes as long as it is in step with its source.
  stat -c 'd at %Y %n' -- /run/systemd/timesync/synchronized /var/lib/chrony/chrony.drift /var/lib/chrony/drift /var/lib/ntp/ntp.drift \
    /var/lib/ntp/drift /var/lib/ntpsec/ntp.drift /var/lib/openntpd/db/ntpd.drift || command -v stat >/dev/null || printf 'd at !no_tool\n'
}
fact_kernel() {
  printf 'r kernel 6000\n'
  val tainted /proc/sys/kernel/tainted
  val modules_disabled /proc/sys/kernel/modules_disabled
  val sig_enforce /sys/module/module/parameters/sig_enforce
  val lockdown /sys/kernel/security/lockdown
  f=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
  if [ ! -d /sys/firmware/efi ]; then printf 'd secureboot bios\n'
  elif look "$f"; then printf 'd secureboot %s\n' "$(od -An -tu1 -N5 "$f" | tr -s ' ')"
  else printf 'd secureboot !%s\n' "$S"; fi
  asked sysctl
  for i in $A; do
    p=; r=$i.
    while [ -n "$r" ]; do p=$p/${r%%.*}; r=${r#*.}; done
    case $p in *secret*|*_key*|*//*) printf 'd sysctl.%s !refused\n' "$i";; *) val "sysctl.$i" "/proc/sys$p";; esac
  done
}
fact_modules() {
  printf 'r modules 9000\n'
  if ! look /proc/modules; then printf 's %s\n' "$S"; return; fi
  # /sys before /proc: what is gone in between is in neither.
  set +f; { ls -d /sys/module/*/initstate; printf '=\n'; cat /proc/modules; } | awk '
    $0=="="{p=1; next} !p{n=split($0,a,"/"); live[a[n-1]]; next}
    {seen[$1]; f=""; if($NF~/^\(/) f=" " $NF; print "d m " $1 f}
    END{for(k in live) if(!(k in seen)) print "d hidden " k}'
  set -f
}
fact_packages() {
  asked package
  if [ -f /var/lib/dpkg/status ]; then
    printf 'r packages 6000\nd dpkg\n'
    look /var/lib/dpkg/status || { printf 's %s\n' "$S"; return; }
    stanzas /var/lib/dpkg/status "$A"
  elif [ -f /lib/apk/db/installed ]; then
    printf 'r packages 6000\nd apk\n'
    stanzas /lib/apk/db/installed "$A"
  elif [ -e /var/lib/rpm/rpmdb.sqlite ] || [ -e /var/lib/rpm/Packages ] || [ -e /var/lib/rpm/Packages.db ] || [ -e /usr/lib/sysimage/rpm/rpmdb.sqlite ]; then
    # shellcheck disable=SC2086
    run packages 6000 10 '{print "d p " $0} END{print "d rpm"}' rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH}\n' ${A:-none}
  else printf 'r packages 0\ns no_source\n'; fi
}
# Chosen files: what they are, whose, and the digest of those up to 16 MiB.
fact_files() {
  asked file || return
  printf 'r files 16000\n'; lim 1 true
  for f in $A; do
    case $f in /*) ;; *) continue;; esac # one of Windows
    if [ -L "$f" ]; then printf 'd %s link\n' "$f"; continue; fi
    look "$f"
    case $S in ''|not_file) ;; *) printf 'd %s %s\n' "$f" "$S"; continue;; esac
    s=$(lim 5 stat -c '%a %u %g %s %Y %F' -- "$f") || s=
    h=-
    case $s in
      *' regular file'|*' regular empty file')
        n=${s#* * * }; n=${n%% *}
        if [ "$n" -le 16777216 ]; then h=$(lim 10 sha256sum -- "$f") || h=!failed; h=${h%% *}; else h=!too_large; fi;;
    esac
    printf 'd %s ok %s %s\n' "$f" "$h" "$s"
  done
}
fact_cron() {
  printf 'r cron 12000\n'
  for i in /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /var/spool/cron /var/spool/cron/crontabs /etc/systemd/system; do
    dir "$i" || [ "$S" = absent ] || printf 'd !%s %s\n' "$S" "$i"
  done
  set +f
  set -- /etc/crontab /etc/anacrontab /etc/cron.d/* /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/* /var/spool/cron/* \
    /var/spool/cron/crontabs/* /etc/systemd/system/*.timer
  set -f; n=0
  for f; do
    shift
    [ -f "$f" ] || continue
    n=$((n+1)); [ "$n" -le 200 ] || continue
    case $f in *[!A-Za-z0-9/._@+-]*) printf 'd odd\n';; *) set -- "$@" "$f";; esac
  done
  if [ "$n" -gt 200 ]; then printf 'x -\n'; fi
  [ $# -eq 0 ] || lim 10 sha256sum -- "$@" | awk 'length($1)==64{print "d " $1 " " $2}'
}
# Files that give their owner's rights to whoever runs them, on local disks; containers' layers aside.
fact_suid() {
  m=$(awk '$5!~/[^A-Za-z0-9\/._-]/&&!($3 in d){ for(i=7;i<NF&&$i!="-";i++); if($(i+1)~/^(ext[234]|xfs|btrfs|f2fs|zfs|overlay)$/&&($(i+1)!="overlay"||$5=="/")){ d[$3]; print $5 } }' /proc/self/mountinfo)
  if [ -z "$m" ]; then printf 'r suid 0\ns no_source\n'; return; fi
  # shellcheck disable=SC2086
  run suid 16000 18 '{print "d " $0}' find $m -xdev \( -path /var/lib/docker -o -path /var/lib/containers -o -path /var/lib/containerd \) -prune -o -type f \( -perm -4000 -o -perm -2000 \) -print
}
fact_tamper() {
  printf 'r tamper 6000\n'
  if look /etc/ld.so.preload; then awk 'NF&&!/^#/{ if(++n<20) print "d preload " $0 }' /etc/ld.so.preload
  elif [ "$S" != absent ]; then printf 'd preload !%s\n' "$S"; fi
  if look /proc/1/environ; then
    printf 'd init %s\n' "$(tr '\000' '\012' </proc/1/environ | grep -c '^LD_[A-Z_]*=')"
  else printf 'd init !%s\n' "$S"; fi
  awk '$5~/^\/proc\/[0-9]+/{print "d over " $5}' /proc/self/mountinfo
  for s in auditd clamav-daemon clamav-freshclam ds_agent falcon-sensor wazuh-agent ossec-hids sentinelone amazon-ssm-agent mdatp amazon-guardduty-agent; do
    if [ "/etc/systemd/system/$s.service" -ef /dev/null ]; then printf 'd masked %s\n' "$s"; fi
  done
  awk '!/^[ \t]*#/{ for(i=2;i<=NF;i++) if($i~/(amazonaws\.com|trendmicro\.com|crowdstrike\.com|cloudsink\.net|sentinelone\.net)$/) print "d host " $i }' /etc/hosts
  val asset /sys/class/dmi/id/board_asset_tag
  q=; ls -q / >/dev/null && q=q
  # shellcheck disable=SC2012
  { set +f; ls -ln"$q" /proc/[0-9]*/exe; } | awk '$3=="0"&&match($0,/ \/proc\/[0-9]+\/exe -> /){ x=substr($0,RSTART+RLENGTH); split(substr($0,RSTART),a,"/")
      if(x~/ \(deleted\)$/||x~/^\/(tmp|var\/tmp|dev\/shm)\//) print a[3] " " x }' | while read -r p x; do
    f=${x%' (deleted)'}
    case $f in "$x") s=place;; *) s=gone; [ -e "$f" ] && s=replaced;; esac
    printf 'd exe %s %s\n' "$s" "$f"
  done
  set -f
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
  has reboot && fact_reboot
  has updates && fact_updates
  has mac && fact_mac
  has accounts && fact_accounts
  has sshd && fact_sshd
  has time && fact_time
  has kernel && fact_kernel
  has modules && fact_modules
  has packages && fact_packages
  has files && fact_files
  has cron && fact_cron
  has suid && fact_suid
  has tamper && fact_tamper
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
HEAD="\"v\":1,\"nonce\":\"$NONCE\",\"probe\":\"linux-sh/1.0.0\",\"want\":\"$WANT\",\"ask\":\"$ASK\",\"at\":\"$START\",\"uid\":$ME,\"end\":$(date +%s)"
for BUDGET in 90000 45000 16000; do
  if JSON=$(printf '%s\n' "$PLAN" | json "$BUDGET" "$HEAD"); then STATE=OK; else STATE=CUT; fi
  LINE=$(printf '%s' "$JSON" | gzip -9c | base64 | tr -d '\n')
  [ "${#LINE}" -gt 23000 ] || break
done
[ -n "$LINE" ] && printf 'KWE1 %s %s %s\n' "${#LINE}" "$STATE" "$LINE"
exit 0
