using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Conformance;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>All the hostile input of the other tests at once, over and over: what it must leave behind is nothing.</summary>
[NonParallelizable]
[Platform("Linux")]
public class HostileInputTests
{
    private static readonly ParallelOptions _parallel = new() { MaxDegreeOfParallelism = 16 };

    [TestCase(10)]
    [LongCase(1_000)]
    public async Task Bad_requests_and_handshakes_leave_nothing_behind(int rounds)
    {
        byte[][] requests = [
            .. from input in HttpTests.Refusals().Concat(HttpTests.Handshakes())
               select Encoding.Latin1.GetBytes((string)input.Arguments[0]!)];
        await using var server = await TestServer.StartAsync();
        await server.WithstandAsync(() => RepeatAsync(rounds, requests, async request =>
        {
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.TrySendAsync(request);
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            await client.ReadUntilOverAsync();
        }));
    }

    [TestCase(10)]
    [LongCase(1_000)]
    public async Task Bad_frames_leave_nothing_behind(int rounds)
    {
        byte[][] frames = [.. FramingTests.Violations().Select(input => (byte[])input.Arguments[0]!)];
        await using var server = await TestServer.StartAsync();
        await server.WithstandAsync(() => RepeatAsync(rounds, frames, async frame =>
        {
            using var client = await server.OpenAsync();
            await client.TrySendAsync(frame);
            Assert.That((await client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Close));
            await client.ReadUntilOverAsync();
        }));
    }

    [TestCase(10)]
    [LongCase(1_000)]
    public async Task Bad_packets_leave_nothing_behind(int rounds)
    {
        string[] packets = [
            "4", "4x", "42[", "42{}", "42[\"disconnect\"]", "42/custom,[\"message\"]", "44{}", "450-[\"message\"]",
            "4511-[\"message\"]", "45-1-[\"message\"]", "451e1-[\"message\"]", "45[\"message\"]",
            "451-[\"message\",{\"_placeholder\":true,\"num\":1}]", "429007199254740992[\"ack\"]",
            "42[\"message\"," + new string('[', 100_000) + "]", "7", "", "451-[\"message\"]\u001e42[\"message\"]"];
        // A session over polling that is ended may still ask for what it was told last, and nobody here does.
        await using var server = await TestServer.StartAsync(
            options => options.Engine.CloseTimeout = TimeSpan.FromSeconds(2), new SocketIoApp().Register);
        await server.WithstandAsync(() => RepeatAsync(rounds, packets, async packet =>
        {
            using (var client = await server.JoinAsync())
            {
                await client.TrySendAsync(WireClient.Frame(Opcode.Text, packet));
                // Half an event, whose attachment never comes, goes with its client.
                await client.TrySendAsync(WireClient.CloseFrame(1000));
                await client.ReadUntilOverAsync();
            }

            var polling = await EngineClient.OpenAsync(server, "/socket.io/");
            await polling.PostAsync("40");
            await polling.PostAsync(packet);
            await polling.PostAsync("1");
        }));
    }

    private static Task RepeatAsync<T>(int rounds, T[] inputs, Func<T, Task> attack) =>
        Parallel.ForEachAsync(
            Enumerable.Range(0, rounds * inputs.Length), _parallel, async (i, _) => await attack(inputs[i % inputs.Length]));
}
