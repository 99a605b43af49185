using System.CommandLine;
using RawWs.Host;

// `serve` is what the host does when it is not told otherwise.
string[] words = args is [] || (args[0].StartsWith('-') && args[0] is not ("-h" or "-?" or "--help" or "--version"))
    ? ["serve", .. args]
    : args;

var root = new RootCommand("RawWs: a WebSocket server with rooms and events.")
{
    ServeCommand.Create(),
    ConformanceCommand.Create(),
};
var result = root.Parse(words);
if (result.Errors.Count == 0)
    // The generic host handles the signals, and gives connections longer than a command line would.
    return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

foreach (var error in result.Errors)
    await Console.Error.WriteLineAsync(error.Message);
await Console.Error.WriteLineAsync();
await root.Parse([.. words.TakeWhile(word => !word.StartsWith('-')), "--help"])
    .InvokeAsync(new InvocationConfiguration { Output = Console.Error });
return 2;
