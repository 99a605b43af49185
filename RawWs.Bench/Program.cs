using BenchmarkDotNet.Running;
using RawWs.Bench.Load;

// `idle [COUNT]` and `events …` measure whole servers; everything else is for BenchmarkDotNet.
if (args is ["idle", ..])
    return await IdleMemory.RunAsync(args is [_, var count] ? int.Parse(count, null) : 2_000);
if (args is [IdleMemory.ClientCommand, var port, var connections])
    return await IdleMemory.ConnectAsync(int.Parse(port, null), int.Parse(connections, null));
if (args is ["events", .. var options])
    return await EventEcho.RunAsync(options);

BenchmarkSwitcher.FromAssembly(typeof(IdleMemory).Assembly).Run(args);
return 0;
