import { AutopodError } from '../../errors.ts';
import { loadConfig, readTextFile } from '../../services/config.ts';
import { SETTINGS, settingNamed, withSetting } from '../../services/settings.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { checkedSetting } from '../asking/checked-setting.ts';
import type { Context } from '../context.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';

/** Changes one setting in config.json; everything else in it stays as it is. */
export const configSet: Verb<object> = async (context, name = '', _options, value) => {
  const { out } = context;
  const setting = settingNamed(name);
  if (!setting) {
    throw new AutopodError('usage', {
      message: `There is no setting “${name}”.`,
      next: `Settings: ${SETTINGS.map((one) => one.name).join(', ')}.`,
    });
  }
  // A key on the command line would stay in the shell's history and in the list of processes (I8).
  if (setting.isSecret && value && value !== '-') {
    throw new AutopodError('usage', {
      message: `${name} is not taken from the command line, where other programs and the shell's history see it.`,
      next: `Use: autopod config set ${name} - < FILE, or autopod config init.`,
    });
  }
  if (value === undefined && !setting.isSecret) {
    throw new AutopodError('usage', {
      message: `config set ${name} takes a value; "" takes the setting out.`,
    });
  }
  const given = setting.isSecret && value !== '' ? await readStandardInput() : (value ?? '');
  if (given === '' && value !== '') {
    throw new AutopodError('usage', {
      message: `config set ${name} was given nothing on its standard input. Nothing was changed.`,
      next: `To remove it: autopod config set ${name} ""`,
    });
  }
  const checked = given === '' ? { value: given } : await checkedSetting(context, setting.name, given);
  await writeSettings(context, { [setting.name]: checked.value });
  if (checked.isUnchecked) out.say(text.settingUnchecked(setting.name));
  if (out.isJson) out.json({ setting: setting.name, value: setting.isSecret ? null : checked.value });
  else out.line(given === '' ? text.settingRemoved(setting.name) : text.settingSaved(setting.name));
  return 0;
};

/** Writes settings into config.json, which is checked first and replaced whole; mode 0600. */
export async function writeSettings(context: Context, values: Record<string, string>): Promise<void> {
  const { config: path } = context.home();
  await loadConfig(path, {});
  let settings = JSON.parse((await readTextFile(path)) ?? '{}') as Record<string, unknown>;
  for (const [name, value] of Object.entries(values)) {
    const setting = settingNamed(name);
    if (setting) settings = withSetting(settings, setting, value);
  }
  await writeFileAtomic(path, `${JSON.stringify(settings, null, 2)}\n`);
}

async function readStandardInput(): Promise<string> {
  if (process.stdin.isTTY) {
    const { password } = await import('@clack/prompts');
    const answer = await password({ message: text.askApiKey() });
    if (typeof answer !== 'string') throw new AutopodError('declined');
    return answer.trim();
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString().trim();
}
