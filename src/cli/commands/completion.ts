import { AutopodError } from '../../errors.ts';
import type { Verb } from '../verb.ts';

const SCRIPTS: Record<string, string> = {
  bash: `# autopod completion bash >> ~/.bashrc
_autopod() {
  local IFS=$'\\n' word
  local -a words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    case $word in
      [\\"\\']*) word=\${word:1} word=\${word%[\\"\\']} ;;
      *) word=\${word//\\\\/} ;;
    esac
    words+=("$word")
  done
  COMPREPLY=($(autopod __complete -- "\${words[@]}" 2>/dev/null | cut -f1))
  case \${COMP_WORDS[COMP_CWORD]} in
    [\\"\\']*) ;; # within quotes a space is one
    *) COMPREPLY=("\${COMPREPLY[@]// /\\\\ }") ;;
  esac
}
complete -F _autopod autopod`,
  zsh: `# autopod completion zsh >> ~/.zshrc
_autopod() {
  local -a found
  local word about
  while IFS=$'\\t' read -r word about; do
    found+=("\${word//:/\\\\:}\${about:+:$about}")
  done < <(autopod __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe autopod found
}
compdef _autopod autopod`,
  fish: `# autopod completion fish > ~/.config/fish/completions/autopod.fish
complete -c autopod -f -a '(autopod __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
};

/** Prints the script that makes a shell complete commands, options, pods and GPU names. */
export const completion: Verb<object> = async ({ out }, shell = '') => {
  const script = SCRIPTS[shell];
  if (!script) {
    throw new AutopodError('usage', { message: `completion takes bash, zsh or fish, not “${shell}”.` });
  }
  out.line(script);
  return 0;
};
