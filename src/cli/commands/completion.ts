import { AutopodError } from '../../errors.ts';
import type { Verb } from '../verb.ts';

const SCRIPTS: Record<string, string> = {
  __proto__: null as never,
  bash: `# autopod completion bash >> ~/.bashrc
_autopod() {
  local typed=\${COMP_WORDS[COMP_CWORD]} word
  local -a words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    case $word in
      =) continue ;; # bash takes --gpu=A40 for three words
      [\\"\\']*) word=\${word:1} word=\${word%[\\"\\']} ;;
      *) word=\${word//\\\\/} ;;
    esac
    words+=("$word")
  done
  [ "$typed" = = ] && words+=('')
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    case $typed in
      [\\"\\']*) ;; # within quotes a space is one
      *) printf -v word %q "$word" ;;
    esac
    COMPREPLY+=("$word")
  done < <(autopod __complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _autopod autopod`,
  // Read by .zshrc, or found on fpath as _autopod: then the first call defines the function it is.
  zsh: `#compdef autopod
# autopod completion zsh >> ~/.zshrc
_autopod() {
  local -a found
  local word about
  while IFS=$'\\t' read -r word about; do
    found+=("\${\${word//\\\\/\\\\\\\\}//:/\\\\:}\${about:+:$about}")
  done < <(autopod __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  _describe autopod found -M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}'
}
if [[ $funcstack[1] == _autopod ]]; then
  _autopod
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _autopod autopod
fi`,
  // fish itself chooses among the words; autopod has to know only whether an option is meant.
  fish: `# autopod completion fish > ~/.config/fish/completions/autopod.fish
function __autopod_complete
    set -l typed (commandline -ct)
    string match -q -- '-*' "$typed"; or set typed ''
    set -l words (commandline -opc)
    autopod __complete -- $words[2..-1] "$typed" 2>/dev/null
end
complete -c autopod -f -a '(__autopod_complete)'`,
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
