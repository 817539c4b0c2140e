# autopod's guard. It ends this pod when its time is up, or nobody uses it, whatever became of the machine that asked for
# it. POSIX sh, and one of curl, wget and python3. Beside it lie: orders (what was asked for), beat (its owner's last
# sign of life), pid, status, and marks (work that autopod does here). Seconds count by /proc/uptime, which nobody sets:
# the orders say what its owner's clock showed at one of them.
# Verbs: arm FILE | run | beat SECONDS-UNUSED SECONDS-OF-WORK | report | mark NAME SECONDS | unmark NAME

set -u
umask 077
D=${0%/*}
PROC=${AUTOPOD_GUARD_PROC:-/proc}
AGENT='autopod-guard/1'
NL='
'

# ---- what the pod is ----

variable() { { tr '\0' '\n' <"$PROC/1/environ"; } 2>/dev/null | sed -n "s/^$1=//p" | head -n 1; }

# Sets now. Once it counts by one clock, it never takes up the other.
clock() {
  if read -r read _ 2>/dev/null <"$PROC/uptime"; then now=${read%%.*} uptime=1
  elif [ -z "${uptime:-}" ]; then now=$(date +%s); fi
}

# Who runs: a pid, and when that process began. Fails for one that has ended.
begun() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  set -- ${stat##*) }
  [ "$1" != Z ] || return 1
  start=${20}
}

lives() {
  read -r pid birth 2>/dev/null <"$D/pid" || return 1
  begun "$pid" && [ "$start" = "$birth" ]
}

# A file is replaced whole, or not at all.
put() {
  { printf '%s\n' "$2" >"$D/$1.$$" && mv -f "$D/$1.$$" "$D/$1"; } 2>/dev/null && return 0
  rm -f "$D/$1.$$" 2>/dev/null
  return 1
}

# ---- what was asked for ----

# Sets the variables of an orders file; one that is not whole changes nothing.
orders() {
  n_seq=0 n_now=0 n_up=0 n_deadline=0 n_idle=0 n_alone=0 n_grace=600 n_tick=2 n_look=15 n_port=8188
  n_cpu=40 n_gpu=10 n_net=200000 n_lead=20 n_pause=20 n_verb=stop n_api= n_volume= n_program= n_off=0
  whole=
  [ -r "$1" ] || return 1
  while IFS='=' read -r k v; do
    case $k in
    seq | now | up | deadline | idle | alone | grace | tick | look | port | cpu | gpu | net | lead | pause | off)
      case $v in '' | *[!0-9]*) ;; *) eval "n_$k=\$v" ;; esac
      ;;
    verb | api | volume | program) eval "n_$k=\$v" ;;
    end) whole=1 ;;
    esac
  done <"$1"
  [ -n "$whole" ] || return 1
  seq=$n_seq said=$n_now at=$n_up deadline=$n_deadline idle=$n_idle alone=$n_alone grace=$n_grace tick=$n_tick
  look=$n_look port=$n_port cpu=$n_cpu gpu=$n_gpu net=$n_net lead=$n_lead pause=$n_pause verb=$n_verb api=$n_api
  volume=$n_volume program=$n_program off=$n_off
}

# ---- asking ----

has() { command -v "$1" >/dev/null 2>&1; }

tools() {
  tools=
  for one in curl wget python3; do has "$one" && tools="$tools $one"; done
  [ -n "$tools" ]
}

ASK='import os, sys, urllib.request as u, urllib.error as e
method, url, agent, key, body, proxies = sys.argv[1:7]
headers = {"User-Agent": agent}
if key: headers["Authorization"] = "Bearer " + os.environ["AUTOPOD_GUARD_KEY"]
if body: headers["Content-Type"] = "application/json"
opener = u.build_opener(*([] if proxies else [u.ProxyHandler({})]))
try: answer = opener.open(u.Request(url, body.encode() or None, headers, method=method), timeout=10)
except e.HTTPError as error: answer = error
sys.stdout.write(str(answer.headers) + answer.read(262144).decode("utf-8", "replace") + "\n%d" % answer.getcode())'

# SECONDS PROGRAM...: what does not end by then is killed. Fails where that cannot be had: some timeouts want -t.
limited() {
  timeout -s KILL 5 true >/dev/null 2>&1 || return 127
  timeout -s KILL "$@"
}

gnu() { wget --version 2>/dev/null | grep -q GNU; }

# SECONDS ARGUMENT...: by wget. BusyBox may have one that breaks down at -T, and timeout with it.
fetched() {
  if gnu; then
    seconds=$1
    shift
    wget -q -T "$seconds" -t 1 -O - "$@"
    return
  fi
  if timeout -s KILL 5 true >/dev/null 2>&1; then
    seconds=$1
    shift
    timeout -s KILL "$seconds" wget -q -O - "$@"
  else
    shift
    wget -q -O - "$@"
  fi
}

# RunPod, with the pod's own key: METHOD URL [BODY] by $tool. Sets answer, code (000 for none) and later (seconds, or empty).
call() {
  case $tool in
  curl)
    set -- "$1" "$2" "${3:-}"
    answer=$(printf 'header = "Authorization: Bearer %s"\n' "$key" |
      curl -K - -s -i --connect-timeout 5 -m 20 -A "$AGENT" -X "$1" ${3:+-H} ${3:+'Content-Type: application/json'} ${3:+-d} ${3:+"$3"} \
        -w '\n%{http_code}' "$2" 2>/dev/null)
    code=${answer##*"$NL"}
    ;;
  wget)
    [ -z "${3:-}" ] && set -- "$1" "$2"
    if [ $# -gt 2 ]; then
      set -- "--header=Content-Type: application/json" "--post-data=$3" "$2"
    else
      set -- "$2"
    fi
    gnu && set -- --content-on-error "$@"
    answer=$(fetched 10 -S -U "$AGENT" "--header=Authorization: Bearer $key" "$@" 2>&1)
    code=$(printf '%s\n' "$answer" | sed -n 's/.*HTTP\/[0-9.]* \([1-5][0-9][0-9]\).*/\1/p' | tail -n 1)
    ;;
  python3)
    answer=$(AUTOPOD_GUARD_KEY=$key python3 -c "$ASK" "$1" "$2" "$AGENT" yes "${3:-}" yes 2>/dev/null)
    code=${answer##*"$NL"}
    ;;
  esac
  case $code in [1-5][0-9][0-9]) ;; *) code=000 ;; esac
  later=$(printf '%s\n' "$answer" | sed -n 's/^ *[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]: *\([0-9][0-9]*\).*/\1/p' | tail -n 1)
}

# The same with each tool there is until one gets an answer.
ask() {
  for tool in $tools; do
    call "$@"
    [ "$code" = 000 ] || break
  done
}

# A page of this pod's own loopback, without spaces; nothing where none answers.
page() {
  for tool in $tools; do
    case $tool in
    curl) curl -s -f -m "${AUTOPOD_GUARD_PAGE:-10}" --noproxy '*' -A "$AGENT" "$1" ;;
    wget) http_proxy='' fetched "${AUTOPOD_GUARD_PAGE:-10}" -U "$AGENT" "$1" ;;
    python3) python3 -c "$ASK" GET "$1" "$AGENT" '' '' '' | grep -v '^[A-Za-z-]*: ' ;;
    esac 2>/dev/null | head -c 65536 | tr -d ' \t\r\n'
    return
  done
}

# ---- what the pod is at ----

# Whether anything listens at ComfyUI's own port, or may.
listens() {
  [ -r "$PROC/net/tcp" ] || return 0
  grep -q ":$(printf %04X "$port") [0-9A-F]*:0000 0A" "$PROC/net/tcp" "$PROC/net/tcp6" 2>/dev/null
}

# Sets jobs: none, some, or unknown. A queue carries whole workflows, NaN among them: nothing of it is taken for JSON.
queue() {
  jobs=none
  listens || return 0
  text=$(page "http://127.0.0.1:$port/prompt")
  case $text in
  *'"queue_remaining":'[0-9]*)
    text=${text#*'"queue_remaining":'}
    case ${text%%[!0-9]*} in *[1-9]*) jobs=some ;; esac
    return 0
    ;;
  esac
  text=$(page "http://127.0.0.1:$port/queue")
  case $text in
  *'"queue_running":['[!]]* | *'"queue_pending":['[!]]* | *'"queue_running":{'[!}]* | *'"queue_pending":{'[!}]*) jobs=some ;;
  *'"queue_running":'[1-9]* | *'"queue_pending":'[1-9]*) jobs=some ;;
  *'"queue_running":['* | *'"queue_pending":['* | *'"queue_running":{'* | *'"queue_running":0'*) jobs=none ;;
  *) jobs=unknown ;;
  esac
}

# Work that autopod has marked, each until a time.
marked() {
  for mark in "$D"/mark-*; do
    read -r until 2>/dev/null <"$mark" || continue
    case $until in '' | *[!0-9]*) continue ;; esac
    [ "$until" -gt "$now" ] && return 0
  done
  return 1
}

# Sets shells (open ones), typing (those of which something came since the last beat) and copies.
sessions() {
  shells=0 typing=0 copies=0
  for p in "$PROC"/[0-9]*; do
    read -r c 2>/dev/null <"$p/comm" || continue
    case $c in
    sftp-server | scp | rsync) copies=$((copies + 1)) ;;
    sshd*)
      l=$(tr '\0' ' ' 2>/dev/null <"$p/cmdline")
      case $l in
      *@pts/*)
        shells=$((shells + 1))
        l=${l##*@pts/}
        [ "/dev/pts/${l%%[!0-9]*}" -nt "$D/beat" ] && typing=$((typing + 1))
        ;;
      *internal-sftp*) copies=$((copies + 1)) ;;
      esac
      ;;
    esac
  done
}

# Sets spent: hundredths of a second of processors so far, of the container, or of its processes where it has no account.
processors() {
  if read -r k v 2>/dev/null <"${AUTOPOD_GUARD_CPU:-/sys/fs/cgroup/cpu.stat}" && [ "$k" = usage_usec ]; then
    spent=$((v / 10000))
    return
  fi
  spent=0
  for p in "$PROC"/[0-9]*; do
    read -r stat 2>/dev/null <"$p/stat" || continue
    set -- ${stat##*) }
    [ $# -gt 12 ] && spent=$((spent + ${12} + ${13}))
  done
}

# Sets moved: bytes through the network so far.
network() {
  moved=0
  [ -r "$PROC/net/dev" ] || return 0
  while read -r d rest; do
    case $d in lo:* | *'|'* | Inter* | face*) continue ;; esac
    set -- ${d#*:} $rest
    moved=$((moved + $1 + $9))
  done <"$PROC/net/dev"
}

# Sets use: what the pod is at, in words; empty for nothing.
use() {
  use= jobs=none
  queue
  [ "$jobs" = unknown ] || known=$now
  if [ "$jobs" = some ]; then use='ComfyUI has a job'
  elif marked; then use='autopod has work on it'; fi
  sessions
  processors
  network
  span=$((now - looked))
  if [ "$span" -gt 0 ] && [ -z "$use" ]; then
    load=$(limited 10 nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits 2>/dev/null | tr -dc '0-9\n' | sort -n | tail -n 1)
    if [ "$shells" -gt 0 ]; then use='a shell is open on it'
    elif [ "$copies" -gt 0 ]; then use='files are being copied'
    elif [ "${load:-0}" -ge "$gpu" ]; then use="its GPU is $load% busy"
    elif [ $(((moved - moved0) / span)) -ge "$net" ]; then use='its network is busy'
    elif [ $(((spent - spent0) / span)) -ge "$cpu" ]; then use='its processors are busy'
    elif [ "$jobs" = unknown ] && [ $((now - known)) -lt "$grace" ]; then use='ComfyUI does not say whether it has jobs'; fi
  fi
  looked=$now spent0=$spent moved0=$moved
  # A shell whose owner has gone stays open for hours: only what is typed there is a sign of somebody.
  case $use in
  '') ;;
  'a shell is open on it')
    quiet=$now
    [ "$typing" -gt 0 ] && worked=$now
    ;;
  *) quiet=$now worked=$now ;;
  esac
}

# ---- deciding ----

# Sets due to time, idle or alone, and why; empty while it is not.
decide() {
  due= why=
  ours=$((said + now - at))
  beat=$began unused=
  read -r beat unused 2>/dev/null <"$D/beat"
  case $beat in '' | *[!0-9]*) beat=$began ;; esac
  silent=$((now - beat))
  case $unused in '' | *[!0-9]*) ;; *) [ $((beat - unused)) -gt "$quiet" ] && quiet=$((beat - unused)) ;; esac
  # Its owner, if there, is about to end the pod itself, and knows more to say.
  first=0
  [ "$silent" -lt 60 ] && first=$lead
  if [ "$deadline" -gt 0 ] && [ "$ours" -ge $((deadline + first)) ]; then
    due=time why='its time was up'
  elif [ "$idle" -gt 0 ] && [ $((now - quiet)) -ge $((idle + first)) ]; then
    due=idle why="idle for $(((now - quiet) / 60)) min"
  elif [ "$alone" -gt 0 ] && [ "$silent" -ge "$alone" ] && [ $((now - worked)) -ge 60 ]; then
    due=alone why="nothing heard of its owner for $((silent / 60)) min"
  fi
}

# Sets held: what keeps a pod that is due from being ended, in words.
hold() {
  held=
  queue
  [ "$jobs" = unknown ] || known=$now
  if [ "$jobs" = some ]; then held='waits for a job of ComfyUI'
  elif marked; then held='waits for work of autopod'
  elif [ "$jobs" = unknown ] && [ $((now - known)) -lt "$grace" ]; then held='ComfyUI does not say whether it has jobs'; fi
}

# ---- ending the pod ----

say() { printf 'autopod guard: %s\n' "$1" 2>/dev/null >>"$PROC/1/fd/1"; }

# What becomes of it is kept where the next start finds it, and said where RunPod shows it.
testify() {
  fired="$ours $due $verb $why"
  say "ending this pod ($verb): $why [fired $fired]"
  put fired "$fired"
  [ -n "$volume" ] || return 0
  mkdir -p "$volume/.autopod" 2>/dev/null &&
    printf '%s\n' "$fired" 2>/dev/null >"$volume/.autopod/guard-$id.new" &&
    mv -f "$volume/.autopod/guard-$id.new" "$volume/.autopod/guard-$id" 2>/dev/null
}

# RunPod's own program: it may hang, and is let run for a minute where that can be seen to.
podctl() {
  if timeout -s KILL 5 true >/dev/null 2>&1; then RUNPOD_API_KEY=$key timeout -s KILL 60 runpodctl "$@" >/dev/null 2>&1
  else RUNPOD_API_KEY=$key runpodctl "$@" >/dev/null 2>&1; fi
}

end_pod() {
  action=stop
  [ "$verb" = kill ] && action=terminate
  ask POST "$api/pods/$id/action" "{\"action\":\"$action\"}"
  tries=$((tries + 1))
  case $code in 2?? | 404 | 410) return 0 ;; esac
  has runpodctl || return 1
  if [ "$verb" = kill ]; then
    podctl pod delete "$id" || podctl remove pod "$id" || return 1
  else
    podctl pod stop "$id" || podctl stop pod "$id" || return 1
  fi
  code=runpodctl
}

fire() {
  [ "$now" -ge "$again" ] || return 0
  [ "$testified" = "$due" ] || { testify; testified=$due; }
  wait=$pause
  if end_pod; then
    state=fired
    # What RunPod took and has not done by then is asked for again.
    [ "$wait" -lt 30 ] && [ "$pause" -ge 20 ] && wait=30
  else
    state=due
    [ "$code" = "$failed" ] || say "RunPod does not end this pod (${code}); it is asked again and again"
    failed=$code
    case $later in '' | ????*) ;; *) [ "$later" -gt "$wait" ] && wait=$later ;; esac
    [ "$wait" -gt 60 ] && wait=60
  fi
  clock
  again=$((now + wait))
}

# ---- verbs ----

identify() {
  id=$(variable RUNPOD_POD_ID)
  key=$(variable RUNPOD_API_KEY)
}

nap() { sleep "${AUTOPOD_GUARD_TICK:-$1}"; }

# Its orders, as they are kept.
told() {
  printf '%s\n' "seq=$seq" "now=$said" "up=$at" "deadline=$deadline" "idle=$idle" "alone=$alone" "grace=$grace" \
    "tick=$tick" "look=$look" "port=$port" "cpu=$cpu" "gpu=$gpu" "net=$net" "lead=$lead" "pause=$pause" "off=$off" \
    "verb=$verb" "api=$api" "volume=$volume" "program=$program" end
}

status() {
  ours=$((said + now - at))
  put status "state=$state
why=$why
held=$held
use=$use
seq=$seq
deadline=$deadline
idle=$idle
alone=$alone
verb=$verb
program=$version
quiet=$((now - quiet))
silent=$silent
tries=$tries
code=$code
fired=$fired
at=$ours"
}

run() {
  identify
  tools
  begun $$
  put pid "$$ $start"
  own="$$ $start"
  clock
  began=$now quiet=$now worked=$now known=$now looked=$now again=0 tries=0
  state=armed why='' held='' use='' code='' failed='' fired='' testified='' later='' silent=0
  orders "$D/orders" || exit 1
  version=$program
  processors
  network
  spent0=$spent moved0=$moved
  while :; do
    clock
    orders "$D/orders"
    # The orders stay: whoever comes with earlier ones reads there that it is over.
    [ "$off" = 0 ] || { rm -f "$D/pid" "$D/status"; exit 0; }
    # Another one has taken its place. A folder that was cleared away is made again: that is where orders come.
    if read -r theirs 2>/dev/null <"$D/pid"; then [ "$theirs" = "$own" ] || exit 0
    elif [ -d "$PROC" ]; then
      mkdir -p "$D" 2>/dev/null && [ -s "$D/orders" ] || put orders "$(told)"
      put pid "$own"
    else exit 0; fi
    if [ $((idle + alone)) -gt 0 ] && [ $((now - looked)) -ge "$look" ]; then use; fi
    decide
    if [ -z "$due" ]; then
      state=armed held='' again=0 tries=0 failed='' testified='' fired=''
      # Nobody asked it until its time was up: how long it says nothing counts from then.
      [ $((idle + alone)) -gt 0 ] || known=$now
    else
      hold
      if [ -n "$held" ]; then state=due; else fire; fi
    fi
    status
    # Without a sleep it would do nothing but turn.
    nap "$tick" || nap "$tick" || nap 5 || exit 1
  done
}

report() {
  echo 'autopod-guard begin'
  if lives; then
    cat "$D/status" 2>/dev/null
  elif orders "$D/orders"; then
    if [ "$off" = 0 ]; then echo 'state=dead'; else echo 'state=off'; fi
    echo "seq=$seq"
  else
    echo 'state=none'
  fi
  [ -n "${1:-}" ] && printf 'refused=%s\n' "$1"
  id=$(variable RUNPOD_POD_ID)
  orders "$D/orders" || volume=${volume:-}
  [ -n "$volume" ] && [ -r "$volume/.autopod/guard-$id" ] && printf 'before=%s\n' "$(cat "$volume/.autopod/guard-$id")"
  echo 'autopod-guard end'
  exit 0
}

refuse() { report "$1"; }

pause() { sleep 0.2 2>/dev/null || sleep 1; }

arm() {
  orders "$1" || refuse 'its orders did not arrive whole'
  asked=$seq
  clock
  identify
  text=
  # Orders that another machine gave later hold.
  if orders "$D/orders" && [ "$seq" -gt "$asked" ]; then
    rm -f "$1"
    lives && report
  else
    orders "$1"
    text=$(grep -v -e '^up=' -e '^end' "$1")
    rm -f "$1"
  fi
  if [ "$off" = 1 ]; then
    [ -z "$text" ] || put orders "$text${NL}up=$now${NL}end" || refuse 'its disk is full'
    waited=0
    while lives && [ "$waited" -lt 60 ]; do
      waited=$((waited + 1))
      pause
    done
    report
  fi
  tools || refuse 'none of curl, wget and python3 is on the pod'
  [ -n "$id" ] && [ -n "$key" ] || refuse 'the pod has no key of its own'
  isCurrent=
  lives && grep -q "^program=$program\$" "$D/status" 2>/dev/null && isCurrent=1
  if [ -z "$isCurrent" ]; then
    ask GET "$api/pods/$id"
    case $code in
    200) printf '%s' "$answer" | tr -d ' \t\r\n' | grep -q "\"id\":\"$id\"" || refuse 'RunPod answers the pod with something else' ;;
    000) refuse 'the pod does not get through to RunPod' ;;
    *) refuse "RunPod answers the pod with $code" ;;
    esac
  fi
  [ -z "$text" ] || put orders "$text${NL}up=$now${NL}end" || refuse 'its disk is full'
  put beat "$now 0" || refuse 'its disk is full'
  if [ -z "$isCurrent" ]; then
    rm -f "$D/status"
    # It outlives this session, and whoever ends it.
    if has setsid; then
      (trap '' HUP INT; exec setsid sh "$D/guard.sh" run) </dev/null >/dev/null 2>&1 &
    else
      (trap '' HUP INT; exec sh "$D/guard.sh" run) </dev/null >/dev/null 2>&1 &
    fi
  fi
  # One at work asks RunPod, and may not get an answer for a while.
  waited=0 longest=60
  [ -z "$isCurrent" ] || longest=150
  until lives && grep -q "^seq=$seq\$" "$D/status" 2>/dev/null && grep -q "^program=$program\$" "$D/status"; do
    waited=$((waited + 1))
    [ "$waited" -le "$longest" ] || refuse 'it does not begin'
    pause
  done
  report
}

case ${1:-} in
arm) arm "$2" ;;
run) run ;;
beat)
  clock
  lives && put beat "$now ${2:-0}"
  # What autopod does there from outside.
  if [ "${3:-0}" -gt 0 ]; then put mark-owner "$((now + $3))"; else rm -f "$D/mark-owner"; fi
  report
  ;;
mark)
  clock
  put "mark-$2" "$((now + $3))"
  ;;
unmark) rm -f "$D/mark-$2" ;;
*) report ;;
esac
