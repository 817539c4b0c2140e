/** `autopod help TOPIC`; the topic `states` is what the machines say of themselves. */
export const HELP_TOPICS: Record<string, string> = {
  // A topic is whatever a user types.
  __proto__: null as never,
  tunnels: `A background process, the keeper, listens on localhost and joins each connection to ssh. When ssh dies, the
network goes or the pod moves, the port stays open: requests wait until the second ssh, which stands by, has taken
over or another one is opened, up to 30 s, then get a 503 that says what is going on. A request that got no answer
is asked again by itself where that is sure to change nothing: ComfyUI's own GETs. Nothing else is.
Connections that a browser or a script keeps open stay open.

  autopod tunnel                      open it, or see that it stands
  autopod tunnel --status             how it is, and why it died last
  autopod tunnel --local-port auto    another port when 8188 is taken
  autopod history                     what happened to it, and when
  autopod ssh-config --install        ssh, scp, rsync and editors reach the pod as "autopod" or "autopod-NAME"

It outlives the terminal, and the pod's stop: while the pod is stopped the port answers 503 and says so, and when the
pod runs again, whoever started it, the tunnel is back. It ends with "autopod tunnel --stop", when the pod is killed
or gone, and when the tunnel of another pod is opened on its port while it waits.`,
  money: `A pod costs from its creation until it is stopped or killed; a stopped one costs nothing for compute, a network
volume costs by the month. autopod says the rate when it creates a pod; "autopod ls" and "autopod info" say what
it has cost so far, running time only, all its runs together; a plus means that it also ran while nobody was looking.

  autopod ls                   every pod of the account, its rate, what it has cost
  autopod stop                 release the GPU; the network volume stays, the container disk is wiped
  autopod kill                 end the pod for good
  autopod up --stop-after 2h   stop it when two hours are over
  autopod up --idle-stop 30m   stop it when nothing has been asked of ComfyUI for half an hour

  autopod up --if-alone 45m    stop it when it has heard nothing of this machine for so long
  autopod extend 1h            put the time off

That is done by the keeper on this machine, never while ComfyUI has a job, and also when "up" was interrupted or the
tunnel closed; and by a guard in the pod, also while this machine sleeps or is off. "up" and "ls" say whether the
guard is armed: where it is not, only this machine watches.`,
  files: `Everything is under AUTOPOD_HOME (by default ~/.autopod), open to you alone:

  config.json      settings, in the Python autopod's format; the API key, unless RUNPOD_API_KEY has it
  pods.json        the pods and unfinished launches, so that "up" goes on after any crash
  tunnels.json     the tunnels that are wanted
  journal.jsonl    what happened, which "history" and "inspect" show
  runs.jsonl       runs of pods that autopod ended, for "costs"
  inspector.json   where the relay of a running "inspect" is, for "up --inspect"
  known_hosts/     host keys, a file for each pod, pinned for one start of it
  ssh_config       how ssh reaches the pods that have a tunnel
  logs/            the keeper's log

A file that cannot be read is set aside under a name that says so, and RunPod is asked instead. With everything
deleted, "autopod up" still finds its pod by the launch id the pod carries.`,
  environment: `  RUNPOD_API_KEY    the API key; before config.json, before runpodctl's ~/.runpod/config.toml
  AUTOPOD_HOME      where the files are; by default ~/.autopod
  AUTOPOD_API_URL   another RunPod API, such as that of "autopod sim"
  AUTOPOD_LOCAL_PORT  port of this machine for ComfyUI where none is named; by default 8188
  AUTOPOD_DEBUG     show each request to RunPod, and stack traces of bugs; the same as -v
  NO_COLOR, CI, TERM=dumb    no colours, no redrawing`,
  exit: `  0    done, or ready
  1    failed, not ready, or nothing was chosen
  2    the command line or the configuration is wrong; nothing was changed
  130  interrupted; what was begun is saved, and the message says how to continue
  70   a bug in autopod
"autopod ssh" passes on ssh's.`,
};

/** All of them, in the order they are listed. */
export const TOPICS = ['states', ...Object.keys(HELP_TOPICS)];
